import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.ws.security.cache.ReplayCache;

/** How this side of a conversation seals, opens and codes its messages, as the commands say it (interop_peers.py). */
record How(JsonObject asked) {
    String text(String name, String otherwise) {
        return asked.has(name) ? asked.get(name).getAsString() : otherwise;
    }

    Party party() throws Exception {
        return Party.of(this);
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

    /** The envelope sealed by `row`; where a case wants it so, changed afterwards on its way. */
    String sealed(String envelope, Row row) throws Exception {
        var sealed = Sealing.seal(envelope, row, party(), this);
        if (asked.has("tamper")) {
            var change = asked.getAsJsonArray("tamper");
            return sealed.replace(change.get(0).getAsString(), change.get(1).getAsString());
        }
        return sealed;
    }

    Opening.Opened opened(byte[] body, Row row, ReplayCache replays) throws Exception {
        return Opening.open(new String(body, StandardCharsets.UTF_8), row, party(), replays);
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
