import com.google.gson.JsonObject;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.apache.ws.security.WSSecurityException;
import org.w3c.dom.Element;

/** The client: the JDK's HTTPS, WSS4J's security. Finds the service by its WSDL. */
final class Caller {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/";

    private final How how;
    private final HttpClient http;
    private final URI service;

    Caller(How how) throws Exception {
        this.how = how;
        http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE)
            .sslContext(trusting(how.text("ca", ""))).build();
        var wsdl = HttpRequest.newBuilder(URI.create(how.text("wsdl", ""))).timeout(PATIENCE).build();
        var document = Xml.parse(http.send(wsdl, BodyHandlers.ofString()).body());
        var address = (Element) document.getElementsByTagNameNS(WSDL_SOAP, "address").item(0);
        service = URI.create(address.getAttribute("location"));
    }

    JsonObject call(String operation, JsonObject message) throws Exception {
        var sealed = how.sealed(Messages.envelope(operation, message), how.policy(), null);
        var body = sealed.text().getBytes(StandardCharsets.UTF_8);
        var request = HttpRequest.newBuilder(service).timeout(PATIENCE)
            .header("Content-Type", "text/xml; charset=utf-8")
            .header("SOAPAction", '"' + Messages.SERVICE + ":" + operation + '"');
        if (how.gzip()) {
            request.header(Gzip.FIELD, Gzip.NAME).header("Accept-Encoding", Gzip.NAME);
            body = Gzip.coded(body);
        }
        var response = http.send(request.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build(), BodyHandlers.ofByteArray());
        var coded = response.headers().firstValue(Gzip.FIELD).orElse("").equals(Gzip.NAME);
        var plain = coded ? Gzip.decoded(response.body()) : response.body();
        if (response.statusCode() != 200) {
            return fault(Xml.parse(new String(plain, StandardCharsets.UTF_8)).getDocumentElement());
        }
        try {
            var opened = how.opened(plain, how.replies(), "server", null, sealed.key());
            return Peer.said(Map.of("reply", Messages.read(opened.content()), "proof", opened.proof(coded)));
        } catch (WSSecurityException unbelievable) {
            return Peer.said(Map.of("fault", Map.of("code", "not-believed", "text", Peer.reason(unbelievable))));
        }
    }

    private static JsonObject fault(Element envelope) {
        var code = envelope.getElementsByTagName("faultcode").item(0).getTextContent();
        var text = envelope.getElementsByTagName("faultstring").item(0).getTextContent();
        return Peer.said(Map.of("fault", Map.of("code", code.substring(code.indexOf(':') + 1), "text", text)));
    }

    private static SSLContext trusting(String file) throws Exception {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry("ca", Party.certificates(file).get(0));
        var managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        var context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }
}
