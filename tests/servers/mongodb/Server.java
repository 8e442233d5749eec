import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Set;

/**
 * A server that speaks MongoDB's protocol on a port of this machine and keeps its data in one file: PORT FILE.
 *
 * It prints a line once it listens, and ends with its standard input, so that it outlives nobody who started it.
 */
public class Server {
    /** The library says 3.6 to 5.0, which PyMongo no longer talks to. */
    static final MongoVersion VERSION = new MongoVersion() {
        public List<Integer> getVersionArray() {
            return List.of(6, 0, 0);
        }

        public int getWireVersion() {
            return 17;
        }
    };

    /** Writes what it has acknowledged to the file first; the library's own does so once a second. */
    static class DurableBackend extends H2Backend {
        static final Set<String> WRITES =
            Set.of("insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop");

        DurableBackend(String file) {
            super(file);
            version(VERSION);
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            Document reply = super.handleMessage(message);
            if (WRITES.contains(message.getDocument().keySet().iterator().next())) {
                commit();
            }
            return reply;
        }
    }

    public static void main(String[] given) throws Exception {
        new MongoServer(new DurableBackend(given[1])).bind("127.0.0.1", Integer.parseInt(given[0]));
        System.out.println("listening");
        while (System.in.read() != -1) {}
        System.exit(0);
    }
}
