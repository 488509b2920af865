import java.util.Arrays;

/** A policy as WSS4J is told of it: what is in the header, who signs, whether the Body is hidden. */
record Row(String name, Token token, Signer signer, boolean encrypted) {
    enum Token { NONE, TEXT, DIGEST, DERIVED }

    enum Signer { NOBODY, CERTIFICATE, PASSWORD }

    /** The one that is not WSS4J's: see Whole. */
    static final Row WHOLE = new Row("compact-signed", Token.NONE, Signer.CERTIFICATE, false);

    private static final Row[] ROWS = {
        new Row("text-2004", Token.TEXT, Signer.NOBODY, false),
        new Row("timestamp-2004", Token.NONE, Signer.NOBODY, false),
        new Row("digest-2004", Token.DIGEST, Signer.NOBODY, false),
        new Row("signed", Token.NONE, Signer.CERTIFICATE, false),
        new Row("digest+signed", Token.DIGEST, Signer.CERTIFICATE, false),
        WHOLE,
        new Row("hmac", Token.DERIVED, Signer.PASSWORD, false),
        new Row("signed+encrypted", Token.NONE, Signer.CERTIFICATE, true),
    };

    static Row of(String name) {
        return Arrays.stream(ROWS).filter(row -> row.name.equals(name)).findFirst().orElseThrow(
            () -> new IllegalArgumentException(name + " is no policy of this peer"));
    }
}
