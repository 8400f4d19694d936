import TernFindings
import Testing

@testable import TernAudit

@Suite struct ReviewRequestTests {
    private func read(_ text: String) throws -> ReviewRequest { try ReviewRequest(parsing: Array(text.utf8)) }

    @Test func readsAReview() throws {
        let review = try read(" {\"decision\" : \"amend\",\"label\":\"p\\u00e4\\ud83d\\ude00\",\n\"call\":\"negative\",\"note\":\"a\\n\\\"b\\\"\\/\"} ")
        #expect(review.decision == .amend && review.label == "pä😀" && review.call == .negative && review.note == "a\n\"b\"/")
        let short = try read("{\"decision\":\"accept\"}")
        #expect(short.decision == .accept && short.label == nil && short.call == nil && short.note == nil)
    }

    @Test(arguments: [
        ("", ReviewError.truncated(offset: 0)), ("{", .truncated(offset: 1)), ("[]", .unexpectedByte(offset: 0)), ("{}", .badValue(.decision)),
        ("{\"decision\":\"maybe\"}", .badValue(.decision)), ("{\"decision\":1}", .unexpectedByte(offset: 12)),
        ("{\"decision\":{\"a\":\"b\"}}", .unexpectedByte(offset: 12)), ("{\"decision\":\"accept\",}", .unexpectedByte(offset: 21)),
        ("{\"decision\":\"accept\"} x", .unexpectedByte(offset: 22)), ("{\"decision\":\"accept\",\"decision\":\"reject\"}", .repeatedMember(offset: 21)),
        ("{\"decision\":\"accept\",\"who\":\"me\"}", .unknownMember(offset: 21)), ("{\"decision\":\"accept\",\"note\":\"\"}", .badValue(.note)),
        ("{\"decision\":\"accept\",\"label\":\"\"}", .badValue(.label)), ("{\"decision\":\"accept\",\"label\":\"x\",\"call\":\"positive\"}", .badValue(.call)),
        ("{\"decision\":\"amend\",\"call\":\"positive\"}", .badValue(.call)), ("{\"decision\":\"amend\"}", .saysNothing),
        ("{\"decision\":\"accept\",\"note\":\"\\ud800\"}", .badText(offset: 28)), ("{\"decision\":\"accept\",\"note\":\"\\udc00\"}", .badText(offset: 28)),
        ("{\"decision\":\"accept\",\"note\":\"\\q\"}", .unexpectedByte(offset: 30)), ("{\"decision\":\"accept\",\"note\":\"\t\"}", .unexpectedByte(offset: 29)),
        ("{\"decision\":\"accept\",\"label\":\"x\",\"call\":\"no\"}", .badValue(.call)),
    ])
    func refuses(_ text: String, _ error: ReviewError) {
        #expect(throws: error) { try ReviewRequest(parsing: Array(text.utf8)) }
    }

    @Test func refusesWhatIsTooLongOrNoText() {
        let body = "{\"decision\":\"accept\",\"note\":\"" + String(repeating: "x", count: ReviewRequest.limitNoteByteCount + 1) + "\"}"
        #expect(throws: ReviewError.badValue(.note)) { try ReviewRequest(parsing: Array(body.utf8)) }
        #expect(throws: ReviewError.tooLong(limit: ReviewRequest.limitByteCount)) {
            try ReviewRequest(parsing: [UInt8](repeating: 0x20, count: ReviewRequest.limitByteCount + 1))
        }
        #expect(throws: ReviewError.badText(offset: 28)) {
            try ReviewRequest(parsing: Array("{\"decision\":\"accept\",\"note\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8))
        }
    }

    @Test func everyPrefixIsRefused() throws {
        let body = Array("{\"decision\":\"amend\",\"label\":\"x\",\"call\":\"negative\",\"note\":\"\\u00e4\"}".utf8)
        for count in body.indices { #expect(throws: ReviewError.self) { try ReviewRequest(parsing: Array(body[..<count])) } }
    }
}
