import TernImageTesting
import Testing

@testable import TernDICOM

private struct Decimal: Decodable {
    var text: String
    /// The bits of Python's `float(text)`.
    var bits: String
}

@Test func readsDecimalStringsAsPythonDoes() throws {
    let decimals = try ImageVectors("TernDICOM").decodable([Decimal].self, "decimals.json")
    #expect(decimals.count == 410)
    for item in decimals {
        let value = parseDecimalString([UInt8](item.text.utf8))
        #expect(value?.bitPattern == UInt64(item.bits, radix: 16), "\(item.text)")
    }
}

@Test func refusesWhatIsNoDecimalString() {
    for text in ["", " ", "-", ".", "e5", "1e", "1e+", "1e1234", "1,5", "0x10", "nan", "inf", "1 2", "1.2.3", "1e40", "--1", "1e-30"] {
        #expect(parseDecimalString([UInt8](text.utf8)) == nil, "\(text)")
    }
    #expect(parseDecimalString([UInt8]("  1.5 \0".utf8)) == 1.5)
    #expect(parseDecimalString([UInt8]("0e999".utf8)) == 0)
}
