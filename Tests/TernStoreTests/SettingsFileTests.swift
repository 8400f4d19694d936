import Testing

@testable import TernStore

private func settings(_ text: String) throws -> SettingsFile { try SettingsFile(parsing: Array(text.utf8)) }

@Test func readsSettingsWithTheirLines() throws {
    let file = try settings("# first\n\n a=b \r\n\tlong key\t=  a = b # no comment \nlast = x")
    #expect(file.settings.map { $0.key } == ["a", "long key", "last"])
    #expect(file.settings.map { $0.value } == ["b", "a = b # no comment", "x"])
    #expect(file.settings.map { $0.line } == [3, 4, 5])
    #expect(try settings("").settings.isEmpty)
}

@Test(arguments: [
    ("a = 1\nb\n", 2, LineError.Problem.noEquals), ("a =  \n", 1, .noValue), ("\na = 1\n#\na = 1\n", 4, .repeated(line: 2)),
    ("a = b\u{1}b\n", 1, .notText), ("a\u{0}b = c\n", 1, .notText), ("a = b\u{7F}c", 1, .notText),
])
func refusesALine(text: String, line: Int, problem: LineError.Problem) {
    #expect(throws: LineError(line: line, problem: problem)) { try settings(text) }
}

@Test func refusesBytesThatAreNotText() {
    #expect(throws: LineError(line: 1, problem: .notText)) { try SettingsFile(parsing: [0x61, 0x3D, 0xC3]) }
}

@Test func refusesMoreSettingsThanThereAreOptions() throws {
    let lines = (0..<SettingsFile.limitCount).map { "k\($0) = v\n" }.joined()
    #expect(try settings(lines).settings.count == SettingsFile.limitCount)
    #expect(throws: LineError(line: 257, problem: .tooMany(limit: 256))) { try settings(lines + "more = v") }
}

private let first = String(repeating: "01", count: 32), second = String(repeating: "aB", count: 32)

private func trust(_ text: String) throws -> TrustFile { try TrustFile(parsing: Array(text.utf8)) }

@Test func readsKeysWithNames() throws {
    let file = try trust("# of the hospital\n\(first)  Release 2026 \n\n  \(second)")
    #expect(file.keys.map { $0.name } == ["Release 2026", ""])
    #expect(file.keys[1].bytes == [UInt8](repeating: 0xAB, count: 32))
    #expect(file.name(of: [UInt8](repeating: 1, count: 32)) == "Release 2026" && file.name(of: []) == "")
    #expect(try trust(first + "\n").keys.count == 1)
}

@Test(arguments: [
    ("# none\n\n", 3, LineError.Problem.notAKey), ("\(first)0 name\n", 1, .notAKey), ("\(first.dropLast())g name\n", 1, .notAKey),
    ("\(first) a\n\(second) b\n\(first) c", 3, .repeated(line: 1)), ("\(first) a\u{1B}[2J", 1, .notText),
    ("\(first) " + String(repeating: "n", count: 65), 1, .nameTooLong(limitByteCount: 64)),
])
func refusesATrustFile(text: String, line: Int, problem: LineError.Problem) {
    #expect(throws: LineError(line: line, problem: problem)) { try trust(text) }
}
