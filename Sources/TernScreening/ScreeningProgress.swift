/// How far a screening is, in one line for people.
public struct ScreeningProgress: Equatable, Sendable {
    /// Files of the folder, and those of them that an earlier start has done.
    public var total: Int
    public var doneBefore: Int
    /// Files that this start has done.
    public var done = 0
    /// All files so far that were not analysed.
    public var notAnalysed = 0

    public init(total: Int, doneBefore: Int, notAnalysed: Int) {
        self.total = total
        self.doneBefore = doneBefore
        self.notAnalysed = notAnalysed
    }

    /// `312 of 1000, 45.2 images/s, 15 s left, 3 not analysed`.
    public func text(milliseconds: Int) -> String {
        var text = "\(doneBefore + done) of \(total)"
        if done > 0, milliseconds > 0 {
            // Tenths.
            let rate = done * 10_000 / milliseconds
            text += ", " + (rate < 1000 ? "\(rate / 10).\(rate % 10)" : "\(rate / 10)") + " images/s"
            let left = total - doneBefore - done
            if left > 0 { text += ", " + Self.duration(seconds: (left * milliseconds / done + 999) / 1000) + " left" }
        }
        if notAnalysed > 0 { text += ", \(notAnalysed) not analysed" }
        return text
    }

    /// The text behind a bar, as wide as the terminal at most.
    public func bar(milliseconds: Int, columns: Int) -> String {
        let text = text(milliseconds: milliseconds)
        let width = min(columns - text.utf8.count - 4, 40)
        guard width >= 5 else { return String(decoding: Array(text.utf8.prefix(max(columns - 1, 0))), as: UTF8.self) }
        let filled = total > 0 ? min((doneBefore + done) * width / total, width) : width
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "] " + text
    }

    static func duration(seconds: Int) -> String {
        if seconds < 100 { return "\(seconds) s" }
        if seconds < 6000 { return "\((seconds + 59) / 60) min" }
        return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
    }
}
