import Testing

@testable import TernConvert

@Suite struct JSONValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func parsesEveryKindOfValue() throws {
        let value = try parse(#" {"a": [1, -2.5e3, true, false, null], "b": "x\"\\\/\n\u00e9\ud83d\ude00", "c": {}, "d": []} "#)
        #expect(value["a"] == .array([.number(1), .number(-2500), .boolean(true), .boolean(false), .null]))
        #expect(value["b"]?.string == "x\"\\/\né😀")
        #expect(value["c"] == .object([]) && value["d"] == .array([]))
    }

    @Test func writesWhatItReads() throws {
        let text = #"{"a":[1,-2.5,true,null],"b":"x\"\\\n","c":{}}"#
        #expect(try parse(text).text == text)
    }

    @Test(arguments: ["", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "+1", "1.", ".5", "nul", "\"", "\"\\x\"", "\"\\ud800\"", "\"\u{01}\"", "[1 2]", "1 2"])
    func refusesBrokenText(text: String) {
        #expect(throws: JSONError.self) { try parse(text) }
    }

    @Test func refusesDuplicatesAndDeepNesting() {
        #expect(throws: JSONError.duplicateKey("a")) { try parse(#"{"a":1,"a":2}"#) }
        let limit = JSONValue.limitDepth
        #expect(throws: JSONError.tooDeep(limit: limit, offset: limit)) { try parse(String(repeating: "[", count: 100_000)) }
        #expect(throws: Never.self) { try parse(String(repeating: "[", count: limit) + String(repeating: "]", count: limit)) }
    }

    @Test func refusesTextThatIsNotUTF8() {
        #expect(throws: JSONError.notUTF8) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }
}
