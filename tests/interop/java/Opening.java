import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSDataRef;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.WSSecurityEngine;
import org.apache.ws.security.WSSecurityEngineResult;
import org.apache.ws.security.WSSecurityException;
import org.apache.ws.security.cache.ReplayCache;
import org.apache.ws.security.handler.RequestData;
import org.apache.ws.security.message.token.UsernameToken;
import org.apache.ws.security.util.WSSecurityUtil;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/**
 * A sealed envelope is opened by WSS4J, with the WS-I Basic Security Profile enforced, and held against its policy: WSS4J says
 * what was signed, and not whether that was everything.
 */
final class Opening {
    private static final Map<Row.Token, String> PASSWORDS =
        Map.of(Row.Token.TEXT, WSConstants.PASSWORD_TEXT, Row.Token.DIGEST, WSConstants.PASSWORD_DIGEST);

    /** The Body in clear, who sealed it, what the signature covers (sorted), by which algorithms; the key it came with. */
    record Opened(Document document, String username, X509Certificate signer, TreeSet<String> covered, List<String> algorithms,
            ContentKey key) {
        /** The Body's child. */
        Element content() {
            return (Element) Xml.body(document).getFirstChild();
        }

        Map<String, Object> found() throws Exception {
            var found = new HashMap<String, Object>();
            found.put("username", username);
            found.put("signer", signer == null ? "" : signer.getSerialNumber().toString());
            found.put("covered", covered);
            found.put("algorithms", algorithms);
            found.put("content", Xml.write(content()));
            found.put("key", key);
            return found;
        }

        /** The same in a line, without the content; and whether it came compressed. */
        String proof(boolean coded) {
            return "username " + username + ", signer " + (signer == null ? "" : signer.getSubjectX500Principal())
                + ", covered " + covered + ", algorithms " + algorithms + (coded ? ", gzip" : "");
        }
    }

    /** Raises WSSecurityException for a message that is not sealed as `row` asks. `replays` may be null. */
    static Opened open(String sealed, Row row, Party party, ReplayCache replays) throws Exception {
        var document = Xml.parse(sealed);
        var security = WSSecurityUtil.getSecurityHeader(document, null);
        if (security == null) {
            throw new WSSecurityException("no Security header");
        }
        var data = new RequestData();
        data.setWssConfig(config(row));
        data.setSigCrypto(party.trust());
        data.setDecCrypto(party.keys());
        data.setCallbackHandler(party.secrets());
        data.setNonceReplayCache(replays);
        data.setTimestampReplayCache(replays);
        var results = new WSSecurityEngine().processSecurityHeader(security, data);
        if (results == null) {
            throw new WSSecurityException("the Security header is empty");
        }
        var opened = opened(document, security, results);
        demand(row, opened, results);
        return opened;
    }

    private static WSSConfig config(Row row) {
        var config = WSSConfig.getNewInstance();
        config.setWsiBSPCompliant(true);
        config.setTimeStampStrict(true);
        config.setTimeStampTTL(300);
        config.setUtTTL(300);
        config.setRequiredPasswordType(PASSWORDS.get(row.token()));
        config.setAllowUsernameTokenNoPassword(row.token() == Row.Token.DERIVED);
        return config;
    }

    private static Opened opened(Document document, Element security, List<WSSecurityEngineResult> results) throws Exception {
        var names = new LinkedHashMap<Element, String>();
        names.put(Xml.body(document), "Body");
        names.put(Xml.child(security, WSConstants.WSU_NS, "Timestamp"), "Timestamp");
        names.put(Xml.child(security, WSConstants.WSSE_NS, "UsernameToken"), "UsernameToken");
        var username = "";
        X509Certificate signer = null;
        ContentKey key = null;
        var covered = new TreeSet<String>();
        var algorithms = new ArrayList<String>();
        for (var result : results) {
            if (result.get(WSSecurityEngineResult.TAG_USERNAME_TOKEN) instanceof UsernameToken token) {
                username = token.getName();
            }
            var action = (Integer) result.get(WSSecurityEngineResult.TAG_ACTION);
            if (action == WSConstants.SIGN || action == WSConstants.UT_SIGN) {
                signer = (X509Certificate) result.get(WSSecurityEngineResult.TAG_X509_CERTIFICATE);
                algorithms.add((String) result.get(WSSecurityEngineResult.TAG_SIGNATURE_METHOD));
                for (var reference : references(result)) {
                    covered.add(names.getOrDefault(reference.getProtectedElement(), "?"));
                }
            }
            if (action == WSConstants.ENCR) {
                references(result).forEach(reference -> algorithms.add(reference.getAlgorithm()));
                if (result.get(WSSecurityEngineResult.TAG_ENCRYPTED_EPHEMERAL_KEY) instanceof byte[] wrapped) {
                    key = ContentKey.of((byte[]) result.get(WSSecurityEngineResult.TAG_SECRET), wrapped);
                }
            }
        }
        return new Opened(document, username, signer, covered, algorithms, key);
    }

    @SuppressWarnings("unchecked")
    private static List<WSDataRef> references(WSSecurityEngineResult result) {
        var references = (List<WSDataRef>) result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS);
        return references == null ? List.of() : references;
    }

    private static void demand(Row row, Opened opened, List<WSSecurityEngineResult> results) throws WSSecurityException {
        var wanted = new TreeSet<String>();
        if (row.signer() != Row.Signer.NOBODY) {
            wanted.addAll(List.of("Body", "Timestamp"));
            if (row.token() != Row.Token.NONE) {
                wanted.add("UsernameToken");
            }
        }
        if (!opened.covered.equals(wanted)) {
            throw new WSSecurityException("covered: " + opened.covered);
        }
        if (WSSecurityUtil.fetchActionResult(results, WSConstants.TS) == null) {
            throw new WSSecurityException("no Timestamp");
        }
        if (row.token() != Row.Token.NONE && opened.username.isEmpty()) {
            throw new WSSecurityException("no UsernameToken");
        }
        if (row.signer() == Row.Signer.CERTIFICATE && opened.signer == null) {
            throw new WSSecurityException("not signed with a certificate's key");
        }
        var gcm = opened.algorithms.contains(WSConstants.AES_256_GCM);
        if (gcm != row.encrypted()) {
            throw new WSSecurityException("encrypted: " + gcm);
        }
    }

    private Opening() {}
}
