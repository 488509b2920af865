import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.WSSecurityException;

/**
 * WSS4J as a peer: told what to do line by line (interop_peers.py). Beside the commands all peers know it has two for single
 * messages: `seal` an envelope, and `open` one.
 */
public final class Peer {
    private static final Gson GSON = new Gson();
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private final LinkedBlockingQueue<JsonObject> answers = new LinkedBlockingQueue<>();
    private Caller caller;
    private Office office;

    public static void main(String[] arguments) throws Exception {
        WSSConfig.init();
        System.setOut(System.err); // what libraries print is no answer
        var peer = new Peer();
        var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            var asked = JsonParser.parseString(line).getAsJsonObject();
            if (asked.has("answer")) {
                peer.answers.add(asked.getAsJsonObject("answer"));
                continue;
            }
            try {
                say(said(peer.done(asked)));
            } catch (Exception error) {
                error.printStackTrace();
                say(said(Map.of("broken", error.toString())));
            }
        }
        System.exit(0); // a server's threads would keep it running
    }

    private Object done(JsonObject asked) throws Exception {
        var how = new How(asked);
        switch (how.text("do", "")) {
            case "hello":
                return Map.of("version", WSSConfig.class.getPackage().getImplementationVersion());
            case "client":
                caller = new Caller(how);
                return Map.of("ready", true);
            case "call":
                return caller.call(how.text("operation", ""), asked.getAsJsonObject("message"));
            case "serve":
                office = new Office(how, answers);
                return Map.of("url", office.url());
            case "stop":
                office.close();
                return Map.of("stopped", true);
            case "seal":
                return how.sealed(how.text("envelope", ""), how.policy(), contentKey(asked));
            case "open":
                try {
                    var sealed = how.text("sealed", "").getBytes(StandardCharsets.UTF_8);
                    return how.opened(sealed, how.policy(), "sender", null, contentKey(asked)).found();
                } catch (WSSecurityException refused) {
                    return Map.of("wrong", reason(refused));
                }
            default:
                throw new IllegalArgumentException("no such command");
        }
    }

    /** As a message before said it, null without: a request's, for its reply. */
    private static ContentKey contentKey(JsonObject asked) {
        return GSON.fromJson(asked.get("key"), ContentKey.class);
    }

    static JsonObject said(Object what) {
        return GSON.toJsonTree(what).getAsJsonObject();
    }

    static synchronized void say(JsonObject said) {
        OUT.println(said);
    }

    /** What failed, down to the cause; the outermost message of WSS4J says only that something did. */
    static String reason(Throwable refused) {
        var cause = refused.getCause();
        return cause == null ? String.valueOf(refused.getMessage()) : refused.getMessage() + " <- " + reason(cause);
    }

    private Peer() {}
}
