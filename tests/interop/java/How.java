import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.ws.security.cache.ReplayCache;

/** How this side of a conversation seals, opens and codes its messages, as the commands say it (interop_peers.py). */
record How(JsonObject asked) {
    String text(String name, String otherwise) {
        return asked.has(name) ? asked.get(name).getAsString() : otherwise;
    }

    Row policy() {
        return Row.of(text("policy", ""));
    }

    Row replies() {
        return Row.of(text("replies", text("policy", "")));
    }

    boolean gzip() {
        return asked.has("gzip") && asked.get("gzip").getAsBoolean();
    }

    /** When what is sealed was sealed: `age` seconds ago. */
    Instant at() {
        return Instant.now().minusSeconds(asked.has("age") ? asked.get("age").getAsLong() : 0);
    }

    /** Whom to encrypt to: the other side. */
    X509Certificate recipient() throws Exception {
        return Party.certificates(text("recipient", "")).get(0);
    }

    /** Oneself; whom one believes is in the file called `{sender}_certificate`. */
    private Party party(String sender, String password) throws Exception {
        var own = Party.certificates(text("certificate", ""));
        var key = own.isEmpty() ? null : Party.privateKey(text("key", ""), own.get(0).getPublicKey());
        return new Party(text("username", ""), password, key, own.isEmpty() ? null : own.get(0),
            Party.certificates(text(sender + "_certificate", "")));
    }

    /** The envelope sealed by `row`; where a case wants it so, spoilt. */
    String sealed(String envelope, Row row) throws Exception {
        var spoil = text("spoil", "");
        if (spoil.equals("bare")) {
            return envelope;
        }
        var party = party("", text("password", "") + (spoil.equals("wrong-password") ? "!" : ""));
        var sealed = row == Row.WHOLE ? Whole.seal(envelope, party, at()) : Sealing.seal(envelope, row, party, this);
        if (spoil.equals("tampered")) {
            return sealed.replaceFirst(" (result|effective|time)=\".", " $1=\"x");
        }
        return sealed;
    }

    /** `sender` is "client" or "server"; `replays` may be null. Raises WSSecurityException. */
    Opening.Opened opened(byte[] body, Row row, String sender, ReplayCache replays) throws Exception {
        var text = new String(body, StandardCharsets.UTF_8);
        var party = party(sender, text("password", ""));
        return row == Row.WHOLE ? Whole.open(text, party) : Opening.open(text, row, party, replays);
    }

    byte[] coded(byte[] plain) throws IOException {
        if (!gzip()) {
            return plain;
        }
        var coded = new ByteArrayOutputStream();
        try (var stream = new GZIPOutputStream(coded)) {
            stream.write(plain);
        }
        return coded.toByteArray();
    }

    /** Raises IOException for a coding that was not agreed on. */
    byte[] decoded(byte[] body, String coding) throws IOException {
        if (gzip() != "gzip".equalsIgnoreCase(coding)) {
            throw new IOException("Content-Encoding: " + coding);
        }
        return gzip() ? new GZIPInputStream(new ByteArrayInputStream(body)).readAllBytes() : body;
    }
}
