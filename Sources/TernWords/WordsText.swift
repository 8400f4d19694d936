import TernFindings

/// Lines of text in one language.
///
/// Every number goes through `number` and stands as in the result's JSON: the shortest decimal that reads back to the same bits. Words that come
/// from a file go through `quote` or `add`, which keep them on their line.
struct WordsText {
    let isChinese: Bool
    private(set) var lines: [String] = []
    private var line = ""

    init(_ language: ReportLanguage) { isChinese = language == .chinese }

    /// Words of ours, in the language of the text.
    @inline(never)
    mutating func say(_ english: String, _ chinese: String) { line += isChinese ? chinese : english }

    /// A sentence behind another: English wants a space between them.
    @inline(never)
    mutating func sentence(_ english: String, _ chinese: String) {
        if !isChinese, !line.isEmpty { line += " " }
        say(english, chinese)
    }

    /// Words of a file, without control characters.
    @inline(never)
    mutating func add(_ text: String) { line += oneLine(text) }

    /// Words of a file between quotation marks.
    @inline(never)
    mutating func quote(_ text: String) {
        line += "\u{201C}"
        add(text)
        line += "\u{201D}"
    }

    @inline(never)
    mutating func number(_ number: Int) { line += String(number) }
    @inline(never)
    mutating func number(_ number: Double) { number.isFinite ? line += number.description : say("not a number", "非数值") }
    @inline(never)
    mutating func number(_ number: Float) { number.isFinite ? line += number.description : say("not a number", "非数值") }

    @inline(never)
    mutating func comma() { say(", ", "，") }
    /// Between the parts of a list.
    @inline(never)
    mutating func listComma() { say(", ", "、") }
    @inline(never)
    mutating func semicolon() { say("; ", "；") }
    @inline(never)
    mutating func stop() { say(".", "。") }

    @inline(never)
    mutating func endLine() {
        if !line.isEmpty { lines.append(line) }
        line = ""
    }
}

/// The text on one line: with spaces for control characters and for what ends a line or turns its direction (U+0000 ... U+001F, U+007F ... U+009F, U+2028 ...
/// U+202E, U+2066 ... U+2069).
@inline(never)
public func oneLine(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: result.unicodeScalars.append(" ")
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
