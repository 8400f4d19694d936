import Testing
import TernFindings

@Suite struct JSONTextTests {
    @Test func writesMembersInOrderOnOneLine() {
        var text = JSONText()
        text.beginObject()
        text.member("a", 1)
        text.key("b")
        text.beginArray()
        text.value(true)
        text.null()
        text.beginObject()
        text.endObject()
        text.endArray()
        text.member("c", "x")
        text.endObject()
        #expect(text.string == #"{"a":1,"b":[true,null,{}],"c":"x"}"#)
    }

    // RFC 8259 section 7.
    @Test func escapesWhatMustBeEscaped() {
        var text = JSONText()
        text.value("\"\\\n\r\t\u{01}\u{1f}\u{7f}\u{e9}\u{1F600}/")
        #expect(text.string == "\"\\\"\\\\\\n\\r\\t\\u0001\\u001f\\u007f\u{e9}\u{1F600}/\"")
    }

    @Test(arguments: [0, 0.1, 1, -0.5, 0.3, 1e-7, 3.4028235e38, 1.4e-45, 16_777_216, 0.6931472] as [Float])
    func numbersReadBackToTheSameBits(value: Float) throws {
        var text = JSONText()
        text.value(value)
        let back = try #require(Float(text.string))
        #expect(back.bitPattern == value.bitPattern)
        // RFC 8259 section 6: a digit first (after a sign), a digit last.
        #expect(text.string.last?.isNumber == true)
        #expect(text.string.drop { $0 == "-" }.first?.isNumber == true)
    }

    @Test func writesNullForWhatIsNoNumber() {
        for value in [Float.nan, .infinity, -.infinity] {
            var text = JSONText()
            text.value(value)
            #expect(text.string == "null")
        }
        var text = JSONText()
        text.value(Double.nan)
        #expect(text.string == "null")
    }
}
