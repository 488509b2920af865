import java.security.interfaces.ECKey;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.apache.ws.security.WSConstants;
import org.apache.ws.security.WSEncryptionPart;
import org.apache.ws.security.WSSConfig;
import org.apache.ws.security.message.WSSecBase;
import org.apache.ws.security.message.WSSecEncrypt;
import org.apache.ws.security.message.WSSecHeader;
import org.apache.ws.security.message.WSSecSignature;
import org.apache.ws.security.message.WSSecTimestamp;
import org.apache.ws.security.message.WSSecUsernameToken;
import org.w3c.dom.Document;

/** An envelope gets the header its policy asks for, by WSS4J. */
final class Sealing {
    private static final String ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    private static final String RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private static final int ITERATIONS = 1000;
    /** In the words of WSS4J's configuration. */
    private static final Map<String, Integer> KEY_IDENTIFIERS = Map.of(
        "IssuerSerial", WSConstants.ISSUER_SERIAL,
        "Thumbprint", WSConstants.THUMBPRINT_IDENTIFIER,
        "SKIKeyIdentifier", WSConstants.SKI_KEY_IDENTIFIER,
        "DirectReference", WSConstants.BST_DIRECT_REFERENCE);

    /** What is sent, and the key it was encrypted with, null without. */
    record Sealed(String text, ContentKey key) {
        /** One character of the Body changed, in the clear or encrypted. */
        Sealed tampered() {
            var changed = text.replaceFirst(" (result|effective|time|version)=\"", " $1=\"1");
            return new Sealed(changed.replaceFirst("(?s)(.*CipherValue>)[^<]", "$1/"), key);
        }
    }

    /** `key` is for the reply to an encrypted request: its key. Null for a request, whose own is made here. */
    static Sealed seal(String envelope, Row row, Party party, How how, ContentKey key) throws Exception {
        var document = Xml.parse(envelope);
        var header = new WSSecHeader();
        header.insertSecurityHeader(document);
        var config = config(how);
        var parts = new ArrayList<WSEncryptionPart>();
        parts.add(new WSEncryptionPart("Body", Xml.SOAP, "Element"));
        parts.add(new WSEncryptionPart("Timestamp", WSConstants.WSU_NS, "Element"));
        WSSecUsernameToken token = null;
        if (row.token() != Row.Token.NONE) {
            token = token(row, party, config);
            token.prepare(document);
            token.prependToHeader(header);
            parts.add(new WSEncryptionPart("UsernameToken", WSConstants.WSSE_NS, "Element"));
        }
        var stamp = configured(new WSSecTimestamp(config), config);
        stamp.setTimeToLive(300);
        stamp.build(document, header);
        if (row.encrypted()) {
            key = encrypt(document, header, how, config, key);
        }
        if (row.signer() != Row.Signer.NOBODY) {
            var signature = signature(row, party, token, config, how);
            signature.prepare(document, party.keys(), header);
            var references = signature.addReferencesToSign(parts, header);
            // Behind the token it names (BSP R5205), before the key that opens what it covers (R3212).
            signature.computeSignature(references, row.encrypted(), null);
            signature.prependBSTElementToHeader(header);
        }
        return new Sealed(Xml.write(document), key);
    }

    private static ContentKey encrypt(Document document, WSSecHeader header, How how, WSSConfig config, ContentKey key)
            throws Exception {
        var encrypt = configured(new WSSecEncrypt(config), config);
        encrypt.setSymmetricEncAlgorithm(WSConstants.AES_256_GCM);
        encrypt.setParts(List.of(new WSEncryptionPart("Body", Xml.SOAP, "Content")));
        if (key == null) {
            encrypt.setUseThisCert(how.recipient());
            encrypt.setKeyIdentifierType(WSConstants.ISSUER_SERIAL);
            encrypt.setKeyEncAlgo(WSConstants.KEYTRANSPORT_RSAOEP);
        } else {
            encrypt.setEncryptSymmKey(false);
            encrypt.setEphemeralKey(key.octets());
            encrypt.setKeyIdentifierType(WSConstants.ENCRYPTED_KEY_SHA1_IDENTIFIER);
            encrypt.setCustomReferenceValue(key.name());
        }
        encrypt.build(document, null, header);
        return key != null ? key : ContentKey.of(encrypt.getEphemeralKey(), encrypt.getEncryptedEphemeralKey());
    }

    private static WSSecUsernameToken token(Row row, Party party, WSSConfig config) {
        var token = configured(new WSSecUsernameToken(config), config);
        token.setUserInfo(party.username(), party.password());
        switch (row.token()) {
            case DERIVED -> token.addDerivedKey(true, null, ITERATIONS);
            case TEXT -> token.setPasswordType(WSConstants.PASSWORD_TEXT);
            default -> token.setPasswordType(WSConstants.PASSWORD_DIGEST);
        }
        return token;
    }

    private static WSSecSignature signature(Row row, Party party, WSSecUsernameToken token, WSSConfig config, How how)
            throws Exception {
        var signature = configured(new WSSecSignature(config), config);
        signature.setDigestAlgo(WSConstants.SHA256);
        if (row.signer() == Row.Signer.PASSWORD) {
            signature.setSecretKey(token.getDerivedKey());
            signature.setSignatureAlgorithm(WSConstants.HMAC_SHA256);
            signature.setKeyIdentifierType(WSConstants.CUSTOM_SYMM_SIGNING);
            signature.setCustomTokenValueType(WSConstants.WSS_USERNAME_TOKEN_VALUE_TYPE);
            signature.setCustomTokenId(token.getId());
            return signature;
        }
        signature.setUserInfo(Party.SIGNS, "");
        signature.setSignatureAlgorithm(party.signs().key() instanceof ECKey ? ECDSA_SHA256 : RSA_SHA256);
        signature.setKeyIdentifierType(KEY_IDENTIFIERS.get(how.option("signatureKeyIdentifier", "IssuerSerial")));
        return signature;
    }

    private static <T extends WSSecBase> T configured(T step, WSSConfig config) {
        step.setWsConfig(config);
        return step;
    }

    private static WSSConfig config(How how) {
        var config = WSSConfig.getNewInstance();
        config.setCurrentTime(() -> Date.from(how.at()));
        return config;
    }

    private Sealing() {}
}
