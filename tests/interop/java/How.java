import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Instant;
import org.apache.ws.security.cache.ReplayCache;

/** How this side of a conversation seals and opens its messages, as the commands say it (interop_peers.py). */
record How(JsonObject asked) {
    String text(String name, String otherwise) {
        return asked.has(name) ? asked.get(name).getAsString() : otherwise;
    }

    /** Something of the stack's own: of a server's for its replies. */
    String option(String name, String otherwise) {
        var options = asked.getAsJsonObject(asked.has("reply_options") ? "reply_options" : "options");
        return options != null && options.has(name) ? options.get(name).getAsString() : otherwise;
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
        return Party.certificates(text("encrypt_to", "")).get(0);
    }

    /** Oneself; whom one believes is in the file called `{sender}_certificate`. */
    private Party party(String sender, String password, ContentKey sent) throws Exception {
        return new Party(text("username", ""), password,
            Party.Pair.of(text("sign_key", ""), text("sign_certificate", "")),
            Party.Pair.of(text("decrypt_key", ""), text("decrypt_certificate", "")),
            Party.certificates(text(sender + "_certificate", "")), sent);
    }

    /** The envelope sealed by `row`; where a case wants it so, spoilt. `key` encrypts a reply: its request's, else null. */
    Sealing.Sealed sealed(String envelope, Row row, ContentKey key) throws Exception {
        var spoil = text("spoil", "");
        if (spoil.equals("bare")) {
            return new Sealing.Sealed(envelope, null);
        }
        var party = party("", text("password", "") + (spoil.equals("wrong-password") ? "!" : ""), null);
        var sealed = row == Row.WHOLE ? Whole.seal(envelope, party, at()) : Sealing.seal(envelope, row, party, this, key);
        return asked.has("tamper") || spoil.equals("tampered") ? sealed.tampered() : sealed;
    }

    /** `sender` is "client" or "server"; `replays` and `sent` may be null. Raises WSSecurityException. */
    Opening.Opened opened(byte[] body, Row row, String sender, ReplayCache replays, ContentKey sent) throws Exception {
        var text = new String(body, StandardCharsets.UTF_8);
        var party = party(sender, text("password", ""), sent);
        return row == Row.WHOLE ? Whole.open(text, party) : Opening.open(text, row, party, replays);
    }
}
