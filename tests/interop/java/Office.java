import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.apache.ws.security.WSSecurityException;
import org.apache.ws.security.cache.MemoryReplayCache;
import org.apache.ws.security.cache.ReplayCache;
import org.w3c.dom.Element;

/** The server: believes what WSS4J believes, once, asks what to answer, and answers sealed by WSS4J. */
final class Office {
    private final How how;
    private final BlockingQueue<JsonObject> answers;
    private final ReplayCache replays = new MemoryReplayCache();
    private final HttpsServer server;

    /** `answers` is where the answer to a question comes from, in the order of the questions. */
    Office(How how, BlockingQueue<JsonObject> answers) throws Exception {
        this.how = how;
        this.answers = answers;
        server = HttpsServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(showing(how.text("certificate", ""), how.text("key", ""))));
        server.createContext("/mp", this::serve);
        server.start();
    }

    String url() {
        return "https://127.0.0.1:" + server.getAddress().getPort() + "/mp";
    }

    void close() {
        server.stop(0);
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            var coded = Gzip.NAME.equals(exchange.getRequestHeaders().getFirst(Gzip.FIELD));
            byte[] answer;
            var status = 200;
            try {
                answer = answer(exchange.getRequestBody().readAllBytes(), coded);
                if (coded) {
                    exchange.getResponseHeaders().set(Gzip.FIELD, Gzip.NAME);
                }
            } catch (Exception refused) {
                status = 500;
                answer = fault(refused).getBytes(StandardCharsets.UTF_8);
                Peer.say(Peer.said(Map.of("refused", Peer.reason(refused))));
            }
            exchange.getResponseHeaders().set("Content-Type", "text/xml; charset=utf-8");
            exchange.sendResponseHeaders(status, answer.length);
            exchange.getResponseBody().write(answer);
        }
    }

    private byte[] answer(byte[] request, boolean coded) throws Exception {
        var opened = how.opened(coded ? Gzip.decoded(request) : request, how.policy(), "client", replays, null);
        var operation = opened.content().getLocalName();
        var question = Map.of("asked", operation, "message", Messages.read(opened.content()), "proof", opened.proof(coded));
        Peer.say(Peer.said(question));
        var envelope = Messages.envelope(operation + "Response", answers.take());
        var answer = how.sealed(envelope, how.replies(), opened.key()).text().getBytes(StandardCharsets.UTF_8);
        return coded ? Gzip.coded(answer) : answer;
    }

    private static String fault(Exception refused) {
        var code = refused instanceof WSSecurityException security ? security.getFaultCode() : null;
        var name = code == null ? "s:Client" : "w:" + code.getLocalPart();
        var namespace = code == null ? "urn:none" : code.getNamespaceURI();
        return "<s:Envelope xmlns:s='" + Xml.SOAP + "' xmlns:w='" + namespace + "'><s:Body><s:Fault><faultcode>" + name
            + "</faultcode><faultstring>refused</faultstring></s:Fault></s:Body></s:Envelope>";
    }

    private static SSLContext showing(String certificate, String key) throws Exception {
        var chain = Party.certificates(certificate).toArray(new Certificate[0]);
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("tls", Party.privateKey(key, chain[0].getPublicKey()), new char[0], chain);
        var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        managers.init(store, new char[0]);
        var context = SSLContext.getInstance("TLS");
        context.init(managers.getKeyManagers(), null, null);
        return context;
    }
}
