import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

/** The one content-coding. */
final class Gzip {
    static final String FIELD = "Content-Encoding";
    static final String NAME = "gzip";

    static byte[] coded(byte[] plain) throws IOException {
        var coded = new ByteArrayOutputStream();
        try (var stream = new GZIPOutputStream(coded)) {
            stream.write(plain);
        }
        return coded.toByteArray();
    }

    static byte[] decoded(byte[] coded) throws IOException {
        return new GZIPInputStream(new ByteArrayInputStream(coded)).readAllBytes();
    }

    private Gzip() {}
}
