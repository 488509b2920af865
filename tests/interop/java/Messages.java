import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** A message of the contract as JSON and as XML: facts are attributes, lists are child elements. */
final class Messages {
    static final String SERVICE = "urn:meterpost:1";

    static String envelope(String name, JsonObject message) throws Exception {
        var document = Xml.parse("<s:Envelope xmlns:s='" + Xml.SOAP + "' xmlns:m='" + SERVICE + "'><s:Body/></s:Envelope>");
        Xml.body(document).appendChild(element(document, name, message));
        return Xml.write(document);
    }

    static JsonObject read(Element element) {
        var message = new JsonObject();
        for (var i = 0; i < element.getAttributes().getLength(); i++) {
            var attribute = element.getAttributes().item(i);
            if (attribute.getNamespaceURI() == null) {
                message.addProperty(attribute.getNodeName(), attribute.getNodeValue());
            }
        }
        for (var node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
            if (node instanceof Element child) {
                if (!message.has(child.getLocalName())) {
                    message.add(child.getLocalName(), new JsonArray());
                }
                message.getAsJsonArray(child.getLocalName()).add(read(child));
            }
        }
        return message;
    }

    private static Element element(Document document, String name, JsonObject message) {
        var element = document.createElementNS(SERVICE, "m:" + name);
        for (var entry : message.entrySet()) {
            if (entry.getValue().isJsonPrimitive()) {
                element.setAttribute(entry.getKey(), entry.getValue().getAsString());
            } else if (entry.getValue().isJsonArray()) {
                for (JsonElement child : entry.getValue().getAsJsonArray()) {
                    element.appendChild(element(document, entry.getKey(), child.getAsJsonObject()));
                }
            }
        }
        return element;
    }

    private Messages() {}
}
