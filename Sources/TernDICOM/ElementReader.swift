import TernBytes

/// The head of one data element, item or delimiter.
struct ElementHead {
    var tag: DICOMTag
    /// Nil in implicit VR and for items and delimiters.
    var representation: ValueRepresentation?
    /// Nil means undefined length.
    var byteCount: Int?
    /// Where the element starts.
    var offset: Int
}

extension ByteReader {
    @_lifetime(self: copy self)
    mutating func takeUInt8() throws(DICOMError) -> UInt8 {
        do throws(ReadError) { return try readUInt8() } catch { throw DICOMError(error) }
    }
    @_lifetime(self: copy self)
    mutating func takeUInt16(isBigEndian: Bool = false) throws(DICOMError) -> UInt16 {
        do throws(ReadError) { return isBigEndian ? try readUInt16BE() : try readUInt16LE() } catch { throw DICOMError(error) }
    }
    @_lifetime(self: copy self)
    mutating func takeUInt32(isBigEndian: Bool = false) throws(DICOMError) -> UInt32 {
        do throws(ReadError) { return isBigEndian ? try readUInt32BE() : try readUInt32LE() } catch { throw DICOMError(error) }
    }
    @_lifetime(copy self)
    mutating func takeBytes(_ count: Int) throws(DICOMError) -> RawSpan {
        do throws(ReadError) { return try readBytes(count) } catch { throw DICOMError(error) }
    }

    /// Reads the head of an element; its value, when the length is defined, lies before `end`.
    ///
    /// Without strictness an element of an explicit data set whose two letters are none is read as implicit, and of letters that are unknown the
    /// longer form is taken when it fits (PS3.5 2024d 6.2: new representations have it), else the shorter one.
    @_lifetime(self: copy self)
    mutating func readElementHead(_ encoding: DICOMEncoding, end: Int, strictness: DICOMStrictness) throws(DICOMError) -> ElementHead {
        let start = offset
        let isBigEndian = encoding.isBigEndian
        let tag = DICOMTag(try takeUInt16(isBigEndian: isBigEndian), try takeUInt16(isBigEndian: isBigEndian))
        var representation: ValueRepresentation?
        var written: UInt32
        // Items and delimiters have no representation in either syntax (PS3.5 2024d 7.5).
        if encoding.isExplicit, tag.group != 0xFFFE {
            let field = try takeUInt32(isBigEndian: true)
            representation = ValueRepresentation(letters: UInt16(field >> 16))
            if let known = representation, known.isKnown || strictness == .lenient {
                let short = isBigEndian ? UInt16(field & 0xFFFF) : UInt16(field & 0xFFFF).byteSwapped
                written = UInt32(short)
                if known.hasLongLength || !known.isKnown && short == 0 && startsLongLength(isBigEndian: isBigEndian, end: end) {
                    written = try takeUInt32(isBigEndian: isBigEndian)
                } else if short == UInt16.max, !known.isKnown {
                    throw .unknownValueRepresentation(tag: tag, offset: start)
                }
            } else {
                guard strictness == .lenient else { throw .unknownValueRepresentation(tag: tag, offset: start) }
                written = isBigEndian ? field : field.byteSwapped
            }
        } else {
            written = try takeUInt32(isBigEndian: isBigEndian)
        }
        guard offset <= end else { throw .truncated(offset: start, needed: offset - start, available: end - start) }
        if written == UInt32.max { return ElementHead(tag: tag, representation: representation, byteCount: nil, offset: start) }
        // PS3.5 2024d 7.1.1: even. Writers are known to leave out the padding byte, and the length says all the same where the value ends.
        guard written % 2 == 0 || tag == .pixelData || strictness == .lenient else { throw .oddByteCount(tag: tag, offset: start) }
        guard Int(written) <= end - offset else { throw .truncated(offset: offset, needed: Int(written), available: end - offset) }
        return ElementHead(tag: tag, representation: representation, byteCount: Int(written), offset: start)
    }

    /// Whether a length of four bytes that fits comes next.
    private func startsLongLength(isBigEndian: Bool, end: Int) -> Bool {
        var ahead = copy self
        do throws(DICOMError) {
            let length = try ahead.takeUInt32(isBigEndian: isBigEndian)
            return Int(length) <= end - ahead.offset
        } catch {
            return false
        }
    }

    /// Whether the element that comes next names a representation, or none comes.
    func startsExplicitly(isBigEndian: Bool) -> Bool {
        var ahead = copy self
        do throws(DICOMError) {
            guard try ahead.takeUInt16(isBigEndian: isBigEndian) != 0xFFFE else { return true }
            _ = try ahead.takeUInt16()
            return ValueRepresentation(letters: try ahead.takeUInt16(isBigEndian: true)) != nil
        } catch {
            return true
        }
    }
}
