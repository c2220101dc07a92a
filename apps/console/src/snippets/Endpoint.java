import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Endpoint {
  static final byte[] SECRET = Base64.getDecoder().decode(System.getenv("WEBHOOK_SECRET").replace("whsec_", ""));
  static final String HANDSHAKE = "{\"event\":\"webhook:verify\",\"payload\":\"";

  static boolean hasValidSignature(HttpExchange exchange, byte[] body) throws GeneralSecurityException {
    var headers = exchange.getRequestHeaders();
    String id = headers.getFirst("webhook-id"), timestamp = headers.getFirst("webhook-timestamp");
    String signatures = headers.getFirst("webhook-signature");
    if (id == null || timestamp == null || signatures == null) return false;
    if (Math.abs(Instant.now().getEpochSecond() - Long.parseLong(timestamp)) > 300) return false;
    var mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(SECRET, "HmacSHA256"));
    mac.update((id + "." + timestamp + ".").getBytes());
    byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes();
    for (String one : signatures.split(" ")) if (MessageDigest.isEqual(one.getBytes(), expected)) return true;
    return false;
  }

  static void handle(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes(); // the raw bytes: the signature covers them
    int status = 200;
    String challenge = "";
    try {
      String text = new String(body, StandardCharsets.UTF_8);
      if (!hasValidSignature(exchange, body)) status = 401;
      else if (text.startsWith(HANDSHAKE)) challenge = text.substring(HANDSHAKE.length(), text.length() - 2);
      else System.out.println(text); // your code
    } catch (GeneralSecurityException | NumberFormatException error) {
      status = 401;
    }
    exchange.sendResponseHeaders(status, challenge.isEmpty() ? -1 : challenge.length());
    exchange.getResponseBody().write(challenge.getBytes());
    exchange.close();
  }

  public static void main(String[] args) throws IOException {
    if (SECRET.length == 0) throw new IllegalStateException("Set WEBHOOK_SECRET.");
    int port = Integer.parseInt(System.getenv().getOrDefault("PORT", "3000"));
    var server = HttpServer.create(new InetSocketAddress(port), 0);
    server.createContext("/", Endpoint::handle);
    server.start();
  }
}
