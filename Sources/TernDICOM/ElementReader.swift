import TernBytes

/// The head of one data element, item or delimiter.
struct ElementHeader {
    var tag: DICOMTag
    /// Nil in implicit VR and for items and delimiters.
    var representation: ValueRepresentation?
    /// Nil means undefined length.
    var byteCount: Int?
    /// Where the element starts.
    var offset: Int

    /// PS3.5 2024d 7.5.1: a sequence, or unknown content that is one, or (6.2, A.4) fragments of encapsulated pixels.
    var mayBeUndefined: Bool {
        switch representation {
        case nil, .sequence, .unknown, .longForm(.bytes), .longForm(.words): true
        default: false
        }
    }
}

/// What decides how an element's length is written (PS3.5 2024d 7.1.2), and the few representations that are looked at.
enum ValueRepresentation: Equatable {
    enum Long: Equatable { case bytes, words, other }
    case sequence
    case unknown
    /// A reserved field and a 32-bit length follow.
    case longForm(Long)
    /// A 16-bit length follows; the two letters, first one high.
    case shortForm(UInt16)

    init?(letters: UInt16) {
        switch letters {
        case Letters.SQ: self = .sequence
        case Letters.UN: self = .unknown
        case Letters.OB: self = .longForm(.bytes)
        case Letters.OW: self = .longForm(.words)
        case Letters.OD, Letters.OF, Letters.OL, Letters.OV, Letters.SV, Letters.UC, Letters.UR, Letters.UT, Letters.UV: self = .longForm(.other)
        case Letters.AE, Letters.AS, Letters.AT, Letters.CS, Letters.DA, Letters.DS, Letters.DT, Letters.FD, Letters.FL, Letters.IS, Letters.LO,
            Letters.LT, Letters.PN, Letters.SH, Letters.SL, Letters.SS, Letters.ST, Letters.TM, Letters.UI, Letters.UL, Letters.US:
            self = .shortForm(letters)
        default: return nil
        }
    }

    /// The two letters as one number.
    enum Letters {
        static let AE: UInt16 = 0x4145, AS: UInt16 = 0x4153, AT: UInt16 = 0x4154, CS: UInt16 = 0x4353, DA: UInt16 = 0x4441
        static let DS: UInt16 = 0x4453, DT: UInt16 = 0x4454, FD: UInt16 = 0x4644, FL: UInt16 = 0x464C, IS: UInt16 = 0x4953
        static let LO: UInt16 = 0x4C4F, LT: UInt16 = 0x4C54, OB: UInt16 = 0x4F42, OD: UInt16 = 0x4F44, OF: UInt16 = 0x4F46
        static let OL: UInt16 = 0x4F4C, OV: UInt16 = 0x4F56, OW: UInt16 = 0x4F57, PN: UInt16 = 0x504E, SH: UInt16 = 0x5348
        static let SL: UInt16 = 0x534C, SQ: UInt16 = 0x5351, SS: UInt16 = 0x5353, ST: UInt16 = 0x5354, SV: UInt16 = 0x5356
        static let TM: UInt16 = 0x544D, UC: UInt16 = 0x5543, UI: UInt16 = 0x5549, UL: UInt16 = 0x554C, UN: UInt16 = 0x554E
        static let UR: UInt16 = 0x5552, US: UInt16 = 0x5553, UT: UInt16 = 0x5554, UV: UInt16 = 0x5556
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    mutating func takeUInt16() throws(DICOMError) -> UInt16 {
        do throws(ReadError) { return try readUInt16LE() } catch { throw DICOMError(error) }
    }
    @_lifetime(self: copy self)
    mutating func takeUInt32() throws(DICOMError) -> UInt32 {
        do throws(ReadError) { return try readUInt32LE() } catch { throw DICOMError(error) }
    }
    @_lifetime(copy self)
    mutating func takeBytes(_ count: Int) throws(DICOMError) -> RawSpan {
        do throws(ReadError) { return try readBytes(count) } catch { throw DICOMError(error) }
    }

    /// Reads the head of an element; a defined length is even, save that of Pixel Data, and the value lies inside the bytes that remain.
    @_lifetime(self: copy self)
    mutating func readElementHeader(isExplicit: Bool) throws(DICOMError) -> ElementHeader {
        let start = offset
        let tag = DICOMTag(try takeUInt16(), try takeUInt16())
        var representation: ValueRepresentation?
        let written: UInt32
        // Items and delimiters have no representation in either syntax (PS3.5 2024d 7.5).
        if isExplicit, tag.group != 0xFFFE {
            let letters = try takeUInt16().byteSwapped
            guard let known = ValueRepresentation(letters: letters) else {
                throw .unknownValueRepresentation(tag: tag, offset: start)
            }
            representation = known
            if case .shortForm = known {
                written = UInt32(try takeUInt16())
            } else {
                _ = try takeUInt16()
                written = try takeUInt32()
            }
        } else {
            written = try takeUInt32()
        }
        guard written != UInt32.max else { return ElementHeader(tag: tag, representation: representation, byteCount: nil, offset: start) }
        // Detectors are known to leave out the padding byte of Pixel Data, where the attributes tell how many bytes there must be.
        guard written % 2 == 0 || tag == .pixelData else { throw .oddByteCount(tag: tag, offset: start) }
        guard Int(written) <= remainingByteCount else {
            throw .truncated(offset: offset, needed: Int(written), available: remainingByteCount)
        }
        return ElementHeader(tag: tag, representation: representation, byteCount: Int(written), offset: start)
    }

    /// Passes over the content of an element of undefined length, delimiter included, however deep up to the limit.
    @_lifetime(self: copy self)
    mutating func skipUndefinedLength(after header: ElementHeader, isExplicit: Bool) throws(DICOMError) {
        guard header.mayBeUndefined else { throw .undefinedLength(tag: header.tag, offset: header.offset) }
        var levels = [SkipLevel(isItem: false, isExplicit: isExplicit && header.representation != .unknown)]
        while let level = levels.last {
            let inner = try readElementHeader(isExplicit: level.isExplicit)
            if inner.tag == (level.isItem ? .itemDelimitation : .sequenceDelimitation) {
                guard inner.byteCount == 0 else { throw .invalidValue(tag: inner.tag) }
                levels.removeLast()
            } else if level.isItem ? inner.tag.group == 0xFFFE : inner.tag != .item {
                throw .unexpectedTag(tag: inner.tag, offset: inner.offset)
            } else if let byteCount = inner.byteCount {
                _ = try takeBytes(byteCount)
            } else {
                guard !level.isItem || inner.mayBeUndefined else { throw .undefinedLength(tag: inner.tag, offset: inner.offset) }
                // A sequence and its item are two levels.
                guard levels.count < 2 * limitSequenceDepth else {
                    throw .sequencesTooDeep(offset: inner.offset, limit: limitSequenceDepth)
                }
                // PS3.5 2024d 6.2.2 note 4: unknown content of undefined length is implicit VR.
                levels.append(SkipLevel(isItem: !level.isItem, isExplicit: level.isExplicit && inner.representation != .unknown))
            }
        }
    }
}

/// Structured reports nest about ten deep; images far less.
let limitSequenceDepth = 16

/// One open item or sequence of undefined length.
private struct SkipLevel {
    var isItem: Bool
    var isExplicit: Bool
}
