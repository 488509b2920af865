import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import javax.security.auth.callback.CallbackHandler;
import org.apache.ws.security.WSPasswordCallback;
import org.apache.ws.security.components.crypto.Merlin;

/**
 * Somebody who seals and opens: an account, a key to sign with, a key to decrypt with, the certificates of those who are
 * believed. `sent` is the key of the request whose reply is opened, null without.
 */
record Party(String username, String password, Pair signs, Pair decrypts, List<X509Certificate> trusted, ContentKey sent) {
    /** A private key and its certificate. */
    record Pair(PrivateKey key, X509Certificate certificate) {
        /** From PEM files; null where there are none. */
        static Pair of(String key, String certificate) throws GeneralSecurityException, IOException {
            if (key.isEmpty()) {
                return null;
            }
            var found = certificates(certificate).get(0);
            return new Pair(privateKey(key, found.getPublicKey()), found);
        }
    }

    static final String SIGNS = "signs";

    /** All certificates of a PEM file; none where there is no file. */
    static List<X509Certificate> certificates(String file) throws GeneralSecurityException, IOException {
        if (file.isEmpty()) {
            return List.of();
        }
        Collection<?> found = CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(Path.of(file))));
        return found.stream().map(X509Certificate.class::cast).toList();
    }

    /** The key of a PEM file (PKCS#8) that belongs to `pair`. */
    static PrivateKey privateKey(String file, PublicKey pair) throws GeneralSecurityException, IOException {
        var base64 = Files.readString(Path.of(file)).replaceAll("-----[^-]*-----|\\s", "");
        var encoded = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64));
        return KeyFactory.getInstance(pair.getAlgorithm()).generatePrivate(encoded);
    }

    /** What WSS4J signs and decrypts with. */
    Merlin keys() throws GeneralSecurityException, IOException {
        var merlin = merlin();
        if (signs != null) {
            enter(merlin, SIGNS, signs);
        }
        if (decrypts != null) {
            enter(merlin, "decrypts", decrypts);
        }
        return merlin;
    }

    /** What WSS4J believes; without one's own certificate, or a message sent back would be believed too. */
    Merlin trust() throws GeneralSecurityException, IOException {
        var merlin = merlin();
        for (var one : trusted) {
            merlin.getKeyStore().setCertificateEntry(one.getSerialNumber().toString(), one);
        }
        return merlin;
    }

    /** Tells WSS4J what it asks for: the account's password, the key store's, which has none, the key that was sent. */
    CallbackHandler secrets() {
        return callbacks -> {
            for (var callback : callbacks) {
                var asked = (WSPasswordCallback) callback;
                if (asked.getUsage() == WSPasswordCallback.USERNAME_TOKEN) {
                    asked.setPassword(asked.getIdentifier().equals(username) ? password : null);
                } else if (asked.getUsage() == WSPasswordCallback.DECRYPT) {
                    asked.setPassword("");
                } else if (sent != null) {
                    sent.answer(asked);
                }
            }
        };
    }

    private static void enter(Merlin merlin, String alias, Pair pair) throws GeneralSecurityException {
        merlin.getKeyStore().setKeyEntry(alias, pair.key, new char[0], new X509Certificate[] {pair.certificate});
    }

    private static Merlin merlin() throws GeneralSecurityException, IOException {
        var store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        var merlin = new Merlin();
        merlin.setKeyStore(store);
        return merlin;
    }
}
