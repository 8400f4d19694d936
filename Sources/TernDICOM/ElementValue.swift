import TernBytes

/// The value of one element, read as the representation its tag has in PS3.6. An explicit representation must be that one or UN.
struct ElementValue: ~Escapable {
    private let tag: DICOMTag
    private let representation: ValueRepresentation?
    private let bytes: RawSpan

    @_lifetime(copy bytes)
    init(tag: DICOMTag, representation: ValueRepresentation?, bytes: RawSpan) {
        self.tag = tag
        self.representation = representation
        self.bytes = bytes
    }

    private func expect(_ letters: UInt16) throws(DICOMError) {
        guard representation == nil || representation == .unknown || representation == .shortForm(letters) else {
            throw .invalidValue(tag: tag)
        }
    }

    /// US of one value. An empty value is as good as none.
    func unsignedShort() throws(DICOMError) -> Int? {
        try expect(ValueRepresentation.Letters.US)
        guard bytes.byteCount > 0 else { return nil }
        guard bytes.byteCount == 2 else { throw .invalidValue(tag: tag) }
        var reader = ByteReader(bytes)
        return Int(try reader.takeUInt16())
    }

    /// UI of one value.
    func uniqueIdentifier() throws(DICOMError) -> DICOMUID? {
        try expect(ValueRepresentation.Letters.UI)
        guard let text = try trimmedText(limitBytes: 64) else { return nil }
        guard let identifier = DICOMUID(characters: text) else { throw .invalidValue(tag: tag) }
        return identifier
    }

    /// CS of one value: at most 16 capitals, digits, spaces and underscores.
    func codeString() throws(DICOMError) -> [UInt8]? {
        try expect(ValueRepresentation.Letters.CS)
        guard let text = try trimmedText(limitBytes: 16) else { return nil }
        for character in text {
            guard (0x41...0x5A).contains(character) || (0x30...0x39).contains(character) || character == 0x20 || character == 0x5F else {
                throw .invalidValue(tag: tag)
            }
        }
        return text
    }

    /// IS of one value that is not negative.
    func integerString() throws(DICOMError) -> Int? {
        try expect(ValueRepresentation.Letters.IS)
        guard let text = try trimmedText(limitBytes: 12) else { return nil }
        var number = 0
        for (index, character) in text.enumerated() {
            if index == 0, character == 0x2B, text.count > 1 { continue }
            // At most 12 digits: no overflow.
            guard (0x30...0x39).contains(character) else { throw .invalidValue(tag: tag) }
            number = number * 10 + Int(character - 0x30)
        }
        return number
    }

    /// The first value of a DS of one or more values.
    func firstDecimal() throws(DICOMError) -> Double? {
        try expect(ValueRepresentation.Letters.DS)
        // A DS has 16 characters; writers are known to exceed that, none by as much.
        let limitCharacters = 64
        var reader = ByteReader(bytes)
        var text: [UInt8] = []
        while reader.remainingByteCount > 0 {
            let character = try reader.takeUInt8()
            if character == 0x5C { break }
            guard text.count < limitCharacters else { throw .invalidValue(tag: tag) }
            text.append(character)
        }
        guard text.contains(where: { $0 != 0x20 && $0 != 0 }) else { return nil }
        guard let number = parseDecimalString(text) else { throw .invalidValue(tag: tag) }
        return number
    }

    /// The characters without leading spaces and trailing spaces and zeros; nil when nothing is left.
    private func trimmedText(limitBytes: Int) throws(DICOMError) -> [UInt8]? {
        guard bytes.byteCount <= limitBytes else { throw .invalidValue(tag: tag) }
        var reader = ByteReader(bytes)
        var text: [UInt8] = []
        while reader.remainingByteCount > 0 { text.append(try reader.takeUInt8()) }
        while let last = text.last, last == 0x20 || last == 0 { text.removeLast() }
        while let first = text.first, first == 0x20 { text.removeFirst() }
        return text.isEmpty ? nil : text
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    fileprivate mutating func takeUInt8() throws(DICOMError) -> UInt8 {
        do throws(ReadError) { return try readUInt8() } catch { throw DICOMError(error) }
    }
}
