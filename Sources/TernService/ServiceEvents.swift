internal import TernFindings
internal import TernPlatform

/// What happened to the service itself, not to a study: the newest `limitCount` events, numbered from 1 since it started. Any thread notes them.
public final class ServiceEvents {
    /// How much it matters to whoever runs the service.
    public enum Level: String, Sendable {
        case info
        case warning
        case error
    }

    /// Names this run of the service, at random: the numbers of another run are of other events.
    let run: String
    private let lock: Lock
    private let say: (Level, String) -> Void
    private var lines: [[UInt8]] = []
    private var last = 0
    private var wake: () -> Void = {}

    static let limitCount = 256

    /// - Parameter say: gets each event as text, on the thread that notes it.
    /// - Throws: `ServiceError.outOfResources`, `.noRandomness`.
    public init(say: @escaping (Level, String) -> Void) throws(ServiceError) {
        run = try StudyIdentifier().text
        do throws(PlatformError) { lock = try Lock() } catch { throw .outOfResources }
        self.say = say
    }

    /// Called after each event, on the thread that noted it.
    func wakes(_ wake: @escaping () -> Void) { lock.withLock { self.wake = wake } }

    /// Notes an event. `code` has small letters and `_`; neither it nor a name of a number says anything of a patient.
    public func note(_ code: String, _ numbers: [Problem.Number] = [], level: Level = .info) {
        var text = JSONText()
        var words = code
        let wake = lock.withLock {
            last += 1
            text.beginObject()
            text.member("schema", "tern.event/1")
            text.member("event", last)
            text.member("run", run)
            text.member("time", Clock.utcNow)
            text.member("code", code)
            text.member("level", level.rawValue)
            for number in numbers {
                text.member(number.name, number.value)
                words += " " + number.name + " " + String(number.value)
            }
            text.endObject()
            lines.append(text.utf8)
            if lines.count > Self.limitCount { lines.removeFirst() }
            return self.wake
        }
        say(level, words)
        wake()
    }

    /// Number of the newest event; 0 when there was none.
    var newest: Int { lock.withLock { last } }

    /// The newest events, each one JSON object, the oldest of them first.
    func newest(_ count: Int) -> [[UInt8]] { lock.withLock { Array(lines.suffix(count)) } }

    /// Lines after an event up to another, about `byteCount` bytes but at least one line, and the number of the last of them; nil when there is none.
    /// Events that are no longer kept are passed over.
    func page(after number: Int, until: Int, byteCount limit: Int) -> (lines: [UInt8], last: Int)? {
        lock.withLock {
            let first = last - lines.count + 1
            var next = max(number + 1, first)
            var page: [UInt8] = []
            while next <= min(last, until) {
                let line = lines[next - first]
                if !page.isEmpty, page.count + line.count >= limit { break }
                page += line + [0x0A]
                next += 1
            }
            return page.isEmpty ? nil : (page, next - 1)
        }
    }
}
