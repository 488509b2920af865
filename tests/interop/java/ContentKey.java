import java.security.MessageDigest;
import java.util.Base64;
import org.apache.ws.security.WSPasswordCallback;

/** The key of one encrypted exchange. A reply names it by the SHA-1 of what the request carried it in (WSS 1.1). */
record ContentKey(byte[] octets, String name) {
    static ContentKey of(byte[] octets, byte[] wrapped) throws Exception {
        return new ContentKey(octets, Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-1").digest(wrapped)));
    }

    /** Answers WSS4J, where it asks for this one. */
    void answer(WSPasswordCallback asked) {
        if (name.equals(asked.getIdentifier())) {
            asked.setKey(octets);
        }
    }
}
