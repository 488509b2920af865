import java.util.List;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import org.apache.ws.security.WSConstants;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** One reference to the whole envelope, which WSS4J has no way to write: by the XML security library it stands on. */
final class Whole {
    static void sign(Document document, Element header, Party party) throws Exception {
        var envelope = document.getDocumentElement();
        envelope.setAttributeNS("http://www.w3.org/2000/xmlns/", "xmlns:wsu", WSConstants.WSU_NS);
        envelope.setAttributeNS(WSConstants.WSU_NS, "wsu:Id", "E");
        var factory = XMLSignatureFactory.getInstance("DOM", "ApacheXMLDSig");
        var reference = factory.newReference("#E", factory.newDigestMethod("http://www.w3.org/2001/04/xmlenc#sha256", null),
            List.of(factory.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null),
                factory.newTransform(CanonicalizationMethod.EXCLUSIVE, (TransformParameterSpec) null)), null, null);
        var info = factory.newSignedInfo(
            factory.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null),
            factory.newSignatureMethod("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", null), List.of(reference));
        var context = new DOMSignContext(party.key(), header);
        context.setIdAttributeNS(envelope, WSConstants.WSU_NS, "Id");
        factory.newXMLSignature(info, null).sign(context);
    }

    private Whole() {}
}
