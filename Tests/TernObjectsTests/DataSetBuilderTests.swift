import TernFindings
import Testing

@testable import TernObjects

/// The bytes are those that pydicom 3.0.2 writes.
@Test func writesWhatAnotherWriterWrites() {
    var meaning = DataSetBuilder()
    meaning.add(Tag.codeMeaning, .longString, "a meaning")
    meaning.add(Tag.codeValue, .shortString, "1")
    var object = DataSetBuilder()
    object.add(Tag.textValue, .unlimitedText, "x")
    object.add(Tag.conceptName, items: [meaning, DataSetBuilder()])
    object.add(Tag.rows, short: 258)
    object.add(Tag.studyUID, .uniqueIdentifier, "1.2.3")
    object.add(Tag.modality, .codeString, "SR")
    #expect(
        hexadecimal(object.bytes)
            == "0800600043530200535220000d0055490600312e322e330028001000555302000201400043a0535100002c000000feff00e01c00000008000001534802003120"
            + "080004014c4f0a0061206d65616e696e6720feff00e000000000400060a155540000020000007820")
}

@Test func leavesAValueEmptyThatItsLengthFieldCannotHold() {
    var object = DataSetBuilder()
    object.add(Tag.seriesDescription, .longString, [UInt8](repeating: 0x41, count: 65_535))
    #expect(object.bytes.count == 8)
    var long = DataSetBuilder()
    long.add(Tag.textValue, .unlimitedText, [UInt8](repeating: 0x41, count: 65_535))
    #expect(long.bytes.count == 12 + 65_536)
}

/// Computed in Python from the rule in README.md.
@Test func derivesIdentifiers() {
    #expect(UniqueIdentifier.derived("device", from: [Array("abc".utf8)]) == "2.25.222738775067867336175355969587114676918")
    #expect(UniqueIdentifier.derived("tracking", from: [[], Array("x".utf8)]) == "2.25.257866817346997990266142116581144968522")
    #expect(UniqueIdentifier.derived("a", from: [[1, 2], [3]]) != UniqueIdentifier.derived("a", from: [[1], [2, 3]]))
}

@Test func bringsTextsIntoTheCharacterSet() {
    let ascii = ObjectText(isUnicode: false)
    #expect(ascii.line("a\\b\nc \u{80A1}\u{E9}") == Array("a/b c ??".utf8))
    let unicode = ObjectText(isUnicode: true)
    #expect(unicode.line("\u{80BA}\u{708E}\u{85}") == Array("\u{80BA}\u{708E}?".utf8))
    #expect(unicode.line("\u{80BA}\u{708E}", limitCount: 1) == Array("\u{80BA}".utf8))
}

@Test func writesNumbersAsDecimalStrings() {
    for value: Float in [0, 1, 0.5, 0.1, 1e-10, 3.4028235e38, -1.5e-38, 16_777_216, 0.33333334] {
        let text = decimalString(value)
        #expect(text.map { $0.count <= 16 } == true)
        #expect(text.flatMap { Float(String(decoding: $0, as: UTF8.self)) } == value)
    }
    #expect(decimalString(.nan) == nil && decimalString(.infinity) == nil)
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
