import TernBytes

/// The value of one element, read as the representation its tag has in PS3.6. A number may be written in another representation of numbers, a text in
/// any; what is out of doubt is read.
struct ElementValue: ~Escapable {
    private let tag: DICOMTag
    private let representation: ValueRepresentation?
    private let isBigEndian: Bool
    private let bytes: RawSpan

    @_lifetime(copy bytes)
    init(_ element: DataElement, in bytes: RawSpan) {
        tag = element.tag
        // In unknown content every value is as in implicit VR.
        representation = element.representation == .unknown ? nil : element.representation
        isBigEndian = element.isBigEndian
        self.bytes = bytes.extracting(element.valueRange)
    }

    /// One number that is not negative, of 2 bytes (US, SS) or 4 (UL, SL); nil when the value is empty.
    func integer() throws(DICOMError) -> Int? {
        guard bytes.byteCount > 0 else { return nil }
        let values = try integers(limitCount: 1)
        guard let value = values.first, values.count == 1, value >= 0 else { throw .invalidValue(tag: tag) }
        return value
    }

    /// All numbers of a value of US, SS, UL or SL; `isSigned` says how 2 bytes are read where no representation does.
    func integers(limitCount: Int, isSigned: Bool = false) throws(DICOMError) -> [Int] {
        let isOneLong = representation == nil && bytes.byteCount == 4 && limitCount == 1
        let isLong = representation == .unsignedLong || representation == .signedLong || isOneLong
        let isShort = representation == nil || representation == .unsignedShort || representation == .signedShort || representation == .otherWord
        let unit = isLong ? 4 : 2
        guard isLong || isShort, bytes.byteCount % unit == 0, bytes.byteCount / unit <= limitCount else { throw .invalidValue(tag: tag) }
        let isNegative = representation == .signedShort || representation == .signedLong || representation == nil && isSigned
        var values: [Int] = []
        for offset in stride(from: 0, to: bytes.byteCount, by: unit) {
            if isLong {
                let value = isBigEndian ? bytes.uint32LE(at: offset).byteSwapped : bytes.uint32LE(at: offset)
                values.append(isNegative ? Int(Int32(bitPattern: value)) : Int(value))
            } else {
                let value = isBigEndian ? bytes.uint16LE(at: offset).byteSwapped : bytes.uint16LE(at: offset)
                values.append(isNegative ? Int(Int16(bitPattern: value)) : Int(value))
            }
        }
        return values
    }

    /// UI of one value.
    func uniqueIdentifier() throws(DICOMError) -> DICOMUID? {
        guard let text = try trimmedText(limitBytes: 66) else { return nil }
        guard let identifier = DICOMUID(characters: text) else { throw .invalidValue(tag: tag) }
        return identifier
    }

    /// A UI that is only carried along: what is none, as careless anonymisers leave it, says nothing.
    func optionalIdentifier() -> DICOMUID? {
        do throws(DICOMError) { return try uniqueIdentifier() } catch { return nil }
    }

    /// CS of one value: at most 16 capitals, digits, spaces and underscores.
    func codeString() throws(DICOMError) -> [UInt8]? {
        guard let text = try trimmedText(limitBytes: 18) else { return nil }
        guard text.count <= 16 else { throw .invalidValue(tag: tag) }
        for character in text {
            guard (0x41...0x5A).contains(character) || (0x30...0x39).contains(character) || character == 0x20 || character == 0x5F else {
                throw .invalidValue(tag: tag)
            }
        }
        return text
    }

    /// A CS that is only carried along: what is none says nothing. A name in capitals is one: what leaves a program is held against defined terms.
    func optionalCode() -> String? {
        do throws(DICOMError) {
            guard let text = try codeString() else { return nil }
            return String(decoding: text, as: UTF8.self)
        } catch {
            return nil
        }
    }

    /// Exactly `count` words of at most 16 characters, or nil: for what describes the picture and is not needed to read it.
    func optionalWords(count: Int) -> [ArraySlice<UInt8>]? {
        do throws(DICOMError) {
            guard let text = try trimmedText(limitBytes: count * 17) else { return nil }
            let words = text.split(separator: 0x5C, maxSplits: count, omittingEmptySubsequences: false)
            return words.count == count && words.allSatisfy({ $0.count <= 16 }) ? words : nil
        } catch {
            return nil
        }
    }

    /// SH of one value that is a code: at most 16 capitals, digits and hyphens; nil for anything else.
    func optionalToken() -> String? {
        do throws(DICOMError) {
            guard let text = try trimmedText(limitBytes: 18), text.count <= 16 else { return nil }
            let isCode = text.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
            return isCode ? String(decoding: text, as: UTF8.self) : nil
        } catch {
            return nil
        }
    }

    /// IS of one value that is not negative.
    func integerString() throws(DICOMError) -> Int? {
        guard let text = try trimmedText(limitBytes: 14) else { return nil }
        var number = 0
        for (index, character) in text.enumerated() {
            if index == 0, character == 0x2B, text.count > 1 { continue }
            // At most 14 digits: no overflow.
            guard (0x30...0x39).contains(character) else { throw .invalidValue(tag: tag) }
            number = number * 10 + Int(character - 0x30)
        }
        return number
    }

    /// The first value of a DS or FD of one or more values, and how many there are.
    func firstDecimal() throws(DICOMError) -> (value: Double, count: Int)? {
        if representation == .double || representation == .float {
            let values = try decimals(limitCount: 64)
            return values.isEmpty ? nil : (values[0], values.count)
        }
        // A DS has 16 characters; writers are known to exceed that, none by as much.
        let limitCharacters = 64
        var text: [UInt8] = []
        var count = 1
        for offset in 0..<bytes.byteCount {
            let character = bytes.uint8(at: offset)
            if character == 0x5C {
                count += 1
            } else if count == 1 {
                guard text.count < limitCharacters else { throw .invalidValue(tag: tag) }
                text.append(character)
            }
        }
        guard text.contains(where: { $0 != 0x20 && $0 != 0 }) else { return nil }
        guard let number = parseDecimalString(text) else { throw .invalidValue(tag: tag) }
        return (number, count)
    }

    /// All values of a DS, FD or FL; an empty value has none.
    ///
    /// - Throws: `.invalidValue` for more than `limitCount` of them, and for one that is no number or not finite.
    func decimals(limitCount: Int) throws(DICOMError) -> [Double] {
        var values: [Double] = []
        if representation == .double || representation == .float {
            let unit = representation == .double ? 8 : 4
            guard bytes.byteCount % unit == 0, bytes.byteCount / unit <= limitCount else { throw .invalidValue(tag: tag) }
            for offset in stride(from: 0, to: bytes.byteCount, by: unit) {
                let value: Double
                if unit == 8 {
                    let bits = bytes.uint64LE(at: offset)
                    value = Double(bitPattern: isBigEndian ? bits.byteSwapped : bits)
                } else {
                    let bits = bytes.uint32LE(at: offset)
                    value = Double(Float(bitPattern: isBigEndian ? bits.byteSwapped : bits))
                }
                guard value.isFinite else { throw .invalidValue(tag: tag) }
                values.append(value)
            }
            return values
        }
        var text: [UInt8] = []
        for offset in 0...bytes.byteCount {
            guard offset == bytes.byteCount || bytes.uint8(at: offset) == 0x5C else {
                guard text.count < 64 else { throw .invalidValue(tag: tag) }
                text.append(bytes.uint8(at: offset))
                continue
            }
            if values.isEmpty, offset == bytes.byteCount, !text.contains(where: { $0 != 0x20 && $0 != 0 }) { return [] }
            guard values.count < limitCount, let value = parseDecimalString(text, isAnyExponent: true) else { throw .invalidValue(tag: tag) }
            values.append(value)
            text.removeAll(keepingCapacity: true)
        }
        return values
    }

    /// All values, none where one of them is no number or they are more than `limitCount`: for what describes the picture and is not needed to read it.
    func optionalDecimals(limitCount: Int) -> [Double] {
        do throws(DICOMError) { return try decimals(limitCount: limitCount) } catch { return [] }
    }

    /// Exactly `count` numbers, or nil: for what describes the picture and is not needed to read it.
    func optionalDecimals(count: Int) -> [Double]? {
        do throws(DICOMError) {
            let values = try decimals(limitCount: count)
            return values.count == count ? values : nil
        } catch {
            return nil
        }
    }

    /// The characters without leading spaces and trailing spaces and zeros; nil when nothing is left.
    private func trimmedText(limitBytes: Int) throws(DICOMError) -> [UInt8]? {
        guard bytes.byteCount <= limitBytes else { throw .invalidValue(tag: tag) }
        var text = bytes.array
        while let last = text.last, last == 0x20 || last == 0 { text.removeLast() }
        while let first = text.first, first == 0x20 { text.removeFirst() }
        return text.isEmpty ? nil : text
    }
}
