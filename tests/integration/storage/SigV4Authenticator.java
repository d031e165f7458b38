import java.net.InetAddress;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.cassandra.auth.AuthenticatedUser;
import org.apache.cassandra.auth.IAuthenticator;
import org.apache.cassandra.auth.IResource;
import org.apache.cassandra.exceptions.AuthenticationException;

/**
 * The server's half of the SigV4 sign-in of Amazon Keyspaces, for one known key: recomputes the
 * signature from the secret and appends one JSON line per exchange to the file named by sigv4.record.
 */
public class SigV4Authenticator implements IAuthenticator {
    private static final String REGION = System.getProperty("sigv4.region");
    private static final String ACCESS_KEY = System.getProperty("sigv4.access_key");
    private static final String SECRET_KEY = System.getProperty("sigv4.secret_key");
    private static final Path RECORD = Path.of(System.getProperty("sigv4.record"));

    @Override public boolean requireAuthentication() { return true; }
    @Override public Set<? extends IResource> protectedResources() { return Set.of(); }
    @Override public void validateConfiguration() { }
    @Override public void setup() { }
    @Override public SaslNegotiator newSaslNegotiator(InetAddress client) { return new Exchange(); }

    @Override public AuthenticatedUser legacyAuthenticate(Map<String, String> credentials) {
        throw new AuthenticationException("SigV4 only");
    }

    private static final class Exchange implements SaslNegotiator {
        private final String nonce = UUID.randomUUID().toString().replace("-", "");
        private String initial;
        private boolean complete;

        @Override public byte[] evaluateResponse(byte[] response) {
            String text = new String(response, StandardCharsets.UTF_8);
            if (initial == null) {
                initial = text;
                return ("nonce=" + nonce).getBytes(StandardCharsets.UTF_8);
            }
            complete = initial.equals("SigV4\0\0") && correct(text);
            record(text);
            if (!complete) throw new AuthenticationException("the signature does not match");
            return null;
        }

        @Override public boolean isComplete() { return complete; }
        @Override public AuthenticatedUser getAuthenticatedUser() { return AuthenticatedUser.ANONYMOUS_USER; }

        private boolean correct(String response) {
            Map<String, String> fields = new TreeMap<>();
            for (String part : response.split(",")) {
                String[] pair = part.split("=", 2);
                fields.put(pair[0], pair[1]);
            }
            String date = fields.getOrDefault("amzdate", "");
            if (!date.matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z")) return false;
            String day = date.substring(0, 10).replace("-", "");
            String scope = day + "/" + REGION + "/cassandra/aws4_request";
            String query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + encode(ACCESS_KEY + "/" + scope)
                    + "&X-Amz-Date=" + encode(date) + "&X-Amz-Expires=900";
            String canonical = "PUT\n/authenticate\n" + query + "\nhost:cassandra\n\nhost\n" + sha256(nonce);
            String toSign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope + "\n" + sha256(canonical);
            byte[] key = ("AWS4" + SECRET_KEY).getBytes(StandardCharsets.UTF_8);
            for (String part : scope.split("/")) key = hmac(key, part);
            return ACCESS_KEY.equals(fields.get("access_key")) && hex(hmac(key, toSign)).equals(fields.get("signature"));
        }

        private void record(String response) {
            String line = String.format("{\"initial\": \"%s\", \"nonce\": \"%s\", \"response\": \"%s\", \"accepted\": %s}%n",
                    initial.replace("\0", "\\u0000"), nonce, response, complete);
            try {
                Files.writeString(RECORD, line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (java.io.IOException e) {
                throw new AuthenticationException(e.toString());
            }
        }
    }

    private static String encode(String text) { return URLEncoder.encode(text, StandardCharsets.UTF_8); }
    private static String hex(byte[] bytes) { return HexFormat.of().formatHex(bytes); }

    private static String sha256(String text) {
        try {
            return hex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (java.security.GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
