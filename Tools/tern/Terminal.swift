import Foundation

/// A progress line on standard error, drawn only when that is a terminal.
struct ProgressBar {
    private let label: String
    private let total: Int
    private let isShown: Bool
    private let start = Date()
    private var lastDrawn = Date.distantPast

    init(_ label: String, total: Int) {
        self.label = label
        self.total = max(total, 1)
        isShown = isatty(2) == 1
    }

    /// Draws the bar at most ten times a second, and when it is full.
    mutating func update(_ done: Int) {
        let now = Date()
        guard isShown, done >= total || now.timeIntervalSince(lastDrawn) > 0.1 else { return }
        lastDrawn = now
        let filled = 30 * min(done, total) / total
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        let elapsed = now.timeIntervalSince(start)
        let left = done > 0 ? elapsed / Double(done) * Double(total - done) : 0
        writeError("\r\(label) [\(bar)] \(done)/\(total), \(Int(left.rounded(.up))) s left ")
        if done >= total { writeError("\r\u{1B}[K") }
    }
}

/// Writes a message for people to standard error, without a line end.
func writeError(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

/// Writes a line to standard error on a terminal, where someone waits; says nothing in a script.
func writeStatus(_ text: String) {
    if isatty(2) == 1 { writeError("tern: \(text)\n") }
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String { String(format: "%.\(decimals)f", value) }

/// `text` filled with spaces to `width`, on the left for numbers.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
    let space = String(repeating: " ", count: max(width - text.count, 0))
    return left ? space + text : text + space
}

/// A byte count for people.
func byteText(_ count: Int) -> String {
    count < 10_000 ? "\(count) bytes" : count < 10_000_000 ? "\(fixed(Double(count) / 1e3, 1)) kB" : "\(fixed(Double(count) / 1e6, 2)) MB"
}
