// The other end of parent.js, in Java: one JSON text per line, both ways.
// java --add-opens java.base/java.io=ALL-UNNAMED Child.java
import java.io.*;
import java.nio.charset.StandardCharsets;

public class Child {
  // Java has no public way to a descriptor that a process inherits; a socket cannot be opened by
  // its name under /proc either.
  static FileDescriptor inherited(int number) throws Exception {
    FileDescriptor descriptor = new FileDescriptor();
    var field = FileDescriptor.class.getDeclaredField("fd");
    field.setAccessible(true);
    field.setInt(descriptor, number);
    return descriptor;
  }

  public static void main(String[] args) throws Exception {
    FileDescriptor channel = inherited(Integer.parseInt(System.getenv("NODE_CHANNEL_FD")));
    Thread listener = new Thread(() -> listen(channel));
    listener.start();
    String interval = System.getenv("INTERVAL");
    OutputStream out = new FileOutputStream(channel);
    while (true) {
      Thread.sleep(interval == null ? 3000 : Long.parseLong(interval));
      try {
        out.write("\"hello\"\n".getBytes(StandardCharsets.UTF_8));
      } catch (IOException gone) {
        System.exit(0);
      }
    }
  }

  static void listen(FileDescriptor channel) {
    var stream = new InputStreamReader(new FileInputStream(channel), StandardCharsets.UTF_8);
    try (BufferedReader in = new BufferedReader(stream)) {
      for (String line; (line = in.readLine()) != null; ) {
        // Enough for a string without escapes; a real program has a JSON parser here.
        System.out.println("message from parent: " + line.substring(1, line.length() - 1));
      }
    } catch (IOException gone) {
      // As after the end of the stream: the parent has disconnected, or is gone.
    }
    System.exit(0);
  }
}
