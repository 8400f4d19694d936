import TernBytes
import TernDICOM
import TernImageTesting
import Testing

private func short(_ value: UInt16) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
private func long(_ value: UInt32) -> [UInt8] { short(UInt16(value & 0xFFFF)) + short(UInt16(value >> 16)) }
private func item(_ content: [UInt8]) -> [UInt8] { short(0xFFFE) + short(0xE000) + long(UInt32(content.count)) + content }
private func implicit(_ group: UInt16, _ element: UInt16, _ value: [UInt8]) -> [UInt8] {
    short(group) + short(element) + long(UInt32(value.count)) + value
}
private func explicit(_ group: UInt16, _ element: UInt16, _ letters: String, _ value: [UInt8]) -> [UInt8] {
    let isLong = ["SQ", "UN", "OB", "OW"].contains(letters)
    let length = isLong ? short(0) + long(UInt32(value.count)) : short(UInt16(value.count))
    return short(group) + short(element) + [UInt8](letters.utf8) + length + value
}

/// The events as words: tags of elements, brackets for sequences and items.
private func walk(_ bytes: [UInt8], _ encoding: DICOMEncoding) throws(DICOMError) -> String {
    var walker = DataSetWalker(bytes.rawBytes, encoding: encoding)
    var words: [String] = []
    while let event = try walker.next() {
        switch event {
        case .element(let element): words.append("\(element.tag.group):\(element.valueRange.count)")
        case .sequenceStart(let element): words.append("\(element.tag.group)[")
        case .itemStart: words.append("{")
        case .itemEnd: words.append("}")
        case .sequenceEnd: words.append("]")
        case .fragmentsStart: words.append("(")
        case .fragment(let range): words.append("\(range.count)")
        case .fragmentsEnd: words.append(")")
        }
    }
    return words.joined(separator: " ")
}

@Test func walksSequencesOfDefinedLength() throws {
    let inner = explicit(9, 1, "LO", [65, 66]) + explicit(10, 1, "SQ", item([]))
    let bytes = explicit(8, 1, "SQ", item(inner) + item([])) + explicit(11, 1, "US", [1, 0])
    #expect(try walk(bytes, .explicitLittleEndian) == "8[ { 9:2 10[ { } ] } { } ] 11:2")
}

@Test func findsItemsInImplicitAndUnknownValues() throws {
    let inner = implicit(9, 1, [65, 66]) + implicit(10, 1, item(implicit(12, 2, [])))
    let bytes = implicit(8, 1, item(inner)) + implicit(11, 1, [1, 0])
    #expect(try walk(bytes, .implicitLittleEndian) == "8[ { 9:2 10[ { 12:0 } ] } ] 11:2")
    #expect(try walk(explicit(8, 1, "UN", item(inner)), .explicitLittleEndian) == "8[ { 9:2 10[ { 12:0 } ] } ]")
    // A value that only starts like an item, and pixels, are values.
    #expect(try walk(implicit(8, 1, item([1, 2]) + [0, 0]), .implicitLittleEndian) == "8:12")
    #expect(try walk(implicit(0x7FE0, 0x10, item([1, 2])), .implicitLittleEndian) == "32736:10")
}

@Test func walksFragments() throws {
    let head = short(0x7FE0) + short(0x10) + [UInt8]("OB".utf8) + short(0) + long(UInt32.max)
    let bytes = head + item([]) + item([1, 2]) + short(0xFFFE) + short(0xE0DD) + long(0)
    #expect(try walk(bytes, .explicitLittleEndian) == "( 0 2 )")
}

@Test func refusesAnElementThatLeavesItsItem() {
    var bytes = explicit(8, 1, "SQ", item(explicit(9, 1, "LO", [65, 66])))
    // The length of the inner value, two bytes before its end.
    bytes[bytes.count - 4] = 4
    #expect(throws: DICOMError.truncated(offset: 28, needed: 4, available: 2)) { try walk(bytes + explicit(11, 1, "US", [1, 0]), .explicitLittleEndian) }
}

@Test func countsOpenSequences() throws {
    var bytes: [UInt8] = []
    for _ in 0..<16 { bytes = explicit(8, 1, "SQ", item(bytes)) }
    var walker = DataSetWalker(bytes.rawBytes, encoding: .explicitLittleEndian)
    var deepest = 0
    while try walker.next() != nil { deepest = max(deepest, walker.depth) }
    #expect(deepest == 16 && walker.depth == 0)
    let deeper = explicit(8, 1, "SQ", item(bytes))
    #expect(throws: DICOMError.self) { try walk(deeper, .explicitLittleEndian) }
}

@Test func passesOverASequence() throws {
    let bytes = explicit(8, 1, "SQ", item(explicit(9, 1, "LO", [65, 66]))) + explicit(11, 1, "US", [1, 0])
    var walker = DataSetWalker(bytes.rawBytes, encoding: .explicitLittleEndian)
    _ = try walker.next()
    #expect(try walker.skipSequence() && walker.depth == 0)
    guard case .element(let element) = try walker.next() else {
        Issue.record("no element")
        return
    }
    #expect(element.tag == DICOMTag(11, 1) && element.offset == 30)
    #expect(try walker.next() == nil)
}

@Test func walksEveryGoldenFileToItsEnd() throws {
    let vectors = try ImageVectors("TernDICOM")
    for name in ["functional_groups_implicit.dcm", "functional_groups_explicit_undefined.dcm", "sequences_defined_implicit.dcm"] {
        let bytes = try vectors.bytes(name)
        // Group 0002 is explicit: the data set starts behind it, at the first element of group 0008.
        let start = try #require((132..<bytes.count - 4).first { Array(bytes[$0..<($0 + 4)]) == [8, 0, 0x16, 0] })
        var walker = DataSetWalker(bytes.rawBytes, encoding: DICOMEncoding(isExplicit: name.contains("explicit")), offset: start)
        var items = 0
        while let event = try walker.next() { if case .itemStart = event { items += 1 } }
        #expect(walker.offset == bytes.count && items > 5, "\(name)")
    }
}
