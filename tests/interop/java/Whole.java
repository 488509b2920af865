import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import org.apache.ws.security.WSSecurityException;
import org.w3c.dom.Element;

/**
 * One signature over the whole envelope, in the namespaces of 2002. WSS4J knows neither, so this is Apache XML Security, which
 * it stands on, and the rest by hand.
 */
final class Whole {
    private static final String WSSE = "http://schemas.xmlsoap.org/ws/2002/07/secext";
    private static final String WSU = "http://schemas.xmlsoap.org/ws/2002/07/utility";
    private static final String ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    private static final List<String> TRANSFORMS = List.of(Transform.ENVELOPED, CanonicalizationMethod.EXCLUSIVE);
    private static final Duration WINDOW = Duration.ofMinutes(5);

    static Sealing.Sealed seal(String envelope, Party party, Instant at) throws Exception {
        var document = Xml.parse(envelope);
        var root = document.getDocumentElement();
        var header = (Element) root.insertBefore(document.createElementNS(Xml.SOAP, "s:Header"), root.getFirstChild());
        var stamp = header.appendChild(document.createElementNS(WSU, "u:Timestamp"));
        var created = stamp.appendChild(document.createElementNS(WSU, "u:Created"));
        created.setTextContent(at.truncatedTo(ChronoUnit.SECONDS).toString());
        var security = (Element) header.appendChild(document.createElementNS(WSSE, "w:Security"));
        security.setAttributeNS(Xml.SOAP, "s:mustUnderstand", "1");
        root.setAttributeNS(WSU, "u:Id", "E");
        // Declared and not only meant: what is digested must be what is written.
        root.setAttributeNS("http://www.w3.org/2000/xmlns/", "xmlns:u", WSU);
        security.setAttributeNS("http://www.w3.org/2000/xmlns/", "xmlns:w", WSSE);
        var context = new DOMSignContext(party.signs().key(), security);
        context.setIdAttributeNS(root, WSU, "Id");
        signature().sign(context);
        return new Sealing.Sealed(Xml.write(document), null);
    }

    static Opening.Opened open(String sealed, Party party) throws Exception {
        var document = Xml.parse(sealed);
        var root = document.getDocumentElement();
        var header = only(root, Xml.SOAP, "Header");
        var created = only(only(header, WSU, "Timestamp"), WSU, "Created").getTextContent();
        var age = Duration.between(Instant.parse(created), Instant.now()).abs();
        if (age.compareTo(WINDOW) > 0) {
            throw new WSSecurityException(WSSecurityException.MESSAGE_EXPIRED);
        }
        var signer = party.trusted().get(0);
        var element = only(only(header, WSSE, "Security"), XMLSignature.XMLNS, "Signature");
        var context = new DOMValidateContext(signer.getPublicKey(), element);
        context.setProperty("org.jcp.xml.dsig.secureValidation", true);
        context.setIdAttributeNS(root, WSU, "Id");
        var signature = factory().unmarshalXMLSignature(context);
        if (!signature.validate(context)) {
            throw new WSSecurityException(WSSecurityException.FAILED_CHECK);
        }
        var info = signature.getSignedInfo();
        demand(info.getReferences().size() == 1, "not one reference");
        var reference = info.getReferences().get(0);
        demand(reference.getURI().equals("#" + root.getAttributeNS(WSU, "Id")), "another element is signed");
        var transforms = reference.getTransforms().stream().map(transform -> transform.getAlgorithm()).toList();
        demand(transforms.equals(TRANSFORMS), "another transform");
        return new Opening.Opened(document, "", signer, new TreeSet<>(Set.of("Envelope")),
            List.of(info.getSignatureMethod().getAlgorithm()), null);
    }

    private static XMLSignature signature() throws Exception {
        var factory = factory();
        var transforms = new ArrayList<Transform>();
        for (var name : TRANSFORMS) {
            transforms.add(factory.newTransform(name, (TransformParameterSpec) null));
        }
        var reference = factory.newReference("#E", factory.newDigestMethod(DigestMethod.SHA256, null), transforms, null, null);
        return factory.newXMLSignature(factory.newSignedInfo(
            factory.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null),
            factory.newSignatureMethod(ECDSA_SHA256, null), List.of(reference)), null);
    }

    private static XMLSignatureFactory factory() throws Exception {
        return XMLSignatureFactory.getInstance("DOM", "ApacheXMLDSig");
    }

    private static Element only(Element parent, String namespace, String name) throws WSSecurityException {
        var found = Xml.children(parent, namespace, name);
        demand(found.size() == 1, "not one " + name);
        return found.get(0);
    }

    private static void demand(boolean holds, String what) throws WSSecurityException {
        if (!holds) {
            throw new WSSecurityException(what);
        }
    }

    private Whole() {}
}
