import TernBytes

/// What the top level of a data set says about its pixels. Nothing else of the data set is kept.
struct Attributes {
    private(set) var sopClass: DICOMUID?
    private(set) var sopInstance: DICOMUID?
    private(set) var modality: [UInt8]?
    private(set) var photometric: Photometric?
    private(set) var samplesPerPixel: Int?
    private(set) var planarConfiguration: Int?
    private(set) var frameCount: Int?
    private(set) var rows: Int?
    private(set) var columns: Int?
    private(set) var bitsAllocated: Int?
    private(set) var bitsStored: Int?
    private(set) var highBit: Int?
    private(set) var pixelRepresentation: Int?
    private(set) var windowCentre: Double?
    private(set) var windowWidth: Double?
    private(set) var voiFunction: VOIFunction?
    private(set) var rescaleIntercept: Double?
    private(set) var rescaleSlope: Double?
    /// Steps that are not applied here; each is fatal only where no other attribute makes it unnecessary.
    private(set) var hasModalityLookupTable = false
    private(set) var hasVOILookupTable = false
    private(set) var hasFunctionalGroups = false
    private var seen: [DICOMTag] = []

    /// PS3.3 2024d C.7.6.3.1.2; what is not listed is not read.
    enum Photometric: Equatable {
        case monochrome1, monochrome2, rgb, ybrFull, ybrFull422, other
    }
    /// PS3.3 2024d C.11.2.1.3.
    enum VOIFunction: Equatable {
        case linear, linearExact, other
    }

    /// Whether elements of this tag have a value to record.
    static func uses(_ tag: DICOMTag) -> Bool {
        tag.group == 0x0008 ? tag == .sopClassUID || tag == .sopInstanceUID || tag == .modality : tag.group == 0x0028 || tag.group == 0x5200
    }

    /// Notes that a sequence of undefined length is there.
    mutating func noteSequence(_ tag: DICOMTag) {
        switch tag {
        case .modalityLookupTable: hasModalityLookupTable = true
        case .voiLookupTable: hasVOILookupTable = true
        case .sharedFunctionalGroups, .perFrameFunctionalGroups: hasFunctionalGroups = true
        default: break
        }
    }

    /// Keeps the value of an element of the top level, if it is one that is used.
    ///
    /// - Throws: `.repeatedElement`, `.invalidValue`.
    mutating func record(_ header: ElementHeader, _ value: RawSpan) throws(DICOMError) {
        let tag = header.tag
        let content = ElementValue(tag: tag, representation: header.representation, bytes: value)
        switch tag {
        case .sopClassUID: sopClass = try content.uniqueIdentifier()
        case .sopInstanceUID: sopInstance = try content.uniqueIdentifier()
        case .modality: modality = try content.codeString()
        case .photometricInterpretation: photometric = Photometric(try content.codeString())
        case .voiLookupFunction: voiFunction = VOIFunction(try content.codeString())
        case .samplesPerPixel: samplesPerPixel = try content.unsignedShort()
        case .planarConfiguration: planarConfiguration = try content.unsignedShort()
        case .rows: rows = try content.unsignedShort()
        case .columns: columns = try content.unsignedShort()
        case .bitsAllocated: bitsAllocated = try content.unsignedShort()
        case .bitsStored: bitsStored = try content.unsignedShort()
        case .highBit: highBit = try content.unsignedShort()
        case .pixelRepresentation: pixelRepresentation = try content.unsignedShort()
        case .numberOfFrames: frameCount = try content.integerString()
        case .windowCentre: windowCentre = try content.firstDecimal()
        case .windowWidth: windowWidth = try content.firstDecimal()
        case .rescaleIntercept: rescaleIntercept = try content.firstDecimal()
        case .rescaleSlope: rescaleSlope = try content.firstDecimal()
        default:
            // An empty sequence says nothing.
            if value.byteCount > 0 { noteSequence(tag) }
            return
        }
        guard !seen.contains(tag) else { throw .repeatedElement(tag: tag) }
        seen.append(tag)
    }
}

extension Attributes.Photometric {
    fileprivate init?(_ text: [UInt8]?) {
        guard let text else { return nil }
        if text.elementsEqual("MONOCHROME2".utf8) {
            self = .monochrome2
        } else if text.elementsEqual("MONOCHROME1".utf8) {
            self = .monochrome1
        } else if text.elementsEqual("RGB".utf8) {
            self = .rgb
        } else if text.elementsEqual("YBR_FULL".utf8) {
            self = .ybrFull
        } else if text.elementsEqual("YBR_FULL_422".utf8) {
            self = .ybrFull422
        } else {
            self = .other
        }
    }
}

extension Attributes.VOIFunction {
    fileprivate init?(_ text: [UInt8]?) {
        guard let text else { return nil }
        if text.elementsEqual("LINEAR".utf8) {
            self = .linear
        } else if text.elementsEqual("LINEAR_EXACT".utf8) {
            self = .linearExact
        } else {
            self = .other
        }
    }
}
