import TernBytes
import TernImage

/// What a data set says about its pixels and about how they are shown. Nothing else of the data set is kept.
struct ImageHeader {
    /// PS3.3 2024d C.7.6.3.1.2; what is not listed is not read.
    enum Photometric: Equatable {
        case monochrome1, monochrome2, palette, rgb, ybrFull, ybrFull422, ybrReversible, ybrIrreversible, other
    }
    /// PS3.3 2024d C.11.2.1.3.
    enum VOIFunction: Equatable {
        case linear, linearExact, sigmoid, other
    }
    /// What may be said for the whole image, for all frames together, and for a single frame.
    struct FrameFields: Equatable {
        var windowCentre: Double?
        var windowWidth: Double?
        var windowCount = 0
        var voiFunction: VOIFunction?
        /// A value of the window that is none.
        var windowFault: DecodedImage.WindowFault?
        var rescaleIntercept: Double?
        var rescaleSlope: Double?
        var pixelSpacing: ImageAttributes.Spacing?
        var position: PatientVector?
        /// The direction of a row and that of a column.
        var rowDirection: PatientVector?
        var columnDirection: PatientVector?
        /// The letter: R, L, U or B.
        var laterality: UInt8?
    }
    /// The elements of a lookup table, whose values are read once everything that they depend on is known.
    struct TableElements {
        var descriptor: DataElement?
        var data: DataElement?
    }

    var sopClass: DICOMUID?
    var sopInstance: DICOMUID?
    var seriesInstance: DICOMUID?
    var modality: String?
    var photometric: Photometric?
    var samplesPerPixel: Int?
    var planarConfiguration: Int?
    var frameCount: Int?
    var rows: Int?
    var columns: Int?
    var bitsAllocated: Int?
    var bitsStored: Int?
    var highBit: Int?
    var pixelRepresentation: Int?
    var isPresentationInverted = false
    var isLossy: Bool?
    var laterality: UInt8?
    var imageLaterality: UInt8?
    var viewCode = ViewCode()
    var viewCodeCount = 0
    var frameTimes: [Double] = []
    var attributes = ImageAttributes()

    /// The top level, the shared functional groups, and those of each frame.
    var general = FrameFields()
    var shared = FrameFields()
    var frames = FrameGroups()

    var modalityTable = TableElements()
    var modalityTableCount = 0
    var voiTable = TableElements()
    var voiTableCount = 0
    var paletteDescriptors: [DataElement?] = [nil, nil, nil]
    var paletteData: [DataElement?] = [nil, nil, nil]
    var paletteSegments: [DataElement?] = [nil, nil, nil]
    var extendedOffsets: DataElement?
    var extendedLengths: DataElement?
    private var seen: [DICOMTag] = []

    /// Keeps the value of an element of the top level, if it is one that is used.
    ///
    /// - Throws: `.repeatedElement`, `.invalidValue`.
    mutating func record(_ element: DataElement, in bytes: RawSpan) throws(DICOMError) {
        let tag = element.tag
        guard ImageHeader.groups.contains(tag.group) else { return }
        let value = ElementValue(element, in: bytes)
        var isUsed = try recordPixels(tag, value)
        if !isUsed { isUsed = try recordPicture(tag, value) }
        if !isUsed { isUsed = recordTable(tag, element) }
        if !isUsed { isUsed = try general.record(tag, value) }
        guard isUsed else { return }
        guard !seen.contains(tag) else { throw .repeatedElement(tag: tag) }
        seen.append(tag)
    }

    private static let groups: [UInt16] = [0x0008, 0x0018, 0x0020, 0x0028, 0x2050, 0x7FE0]

    private mutating func recordPixels(_ tag: DICOMTag, _ value: borrowing ElementValue) throws(DICOMError) -> Bool {
        switch tag {
        case .samplesPerPixel: samplesPerPixel = try value.integer()
        case .planarConfiguration: planarConfiguration = try value.integer()
        case .rows: rows = try value.integer()
        case .columns: columns = try value.integer()
        case .bitsAllocated: bitsAllocated = try value.integer()
        case .bitsStored: bitsStored = try value.integer()
        case .highBit: highBit = try value.integer()
        case .pixelRepresentation: pixelRepresentation = try value.integer()
        case .numberOfFrames: frameCount = try value.integerString()
        case .photometricInterpretation:
            let text = try value.codeString()
            photometric = Photometric(text)
            if let text { attributes.photometricInterpretation = String(decoding: text, as: UTF8.self) }
        default: return false
        }
        return true
    }

    private mutating func recordPicture(_ tag: DICOMTag, _ value: borrowing ElementValue) throws(DICOMError) -> Bool {
        switch tag {
        case .sopClassUID: sopClass = value.optionalIdentifier()
        case .sopInstanceUID: sopInstance = value.optionalIdentifier()
        case .seriesInstanceUID:
            seriesInstance = value.optionalIdentifier()
            attributes.seriesInstanceUID = seriesInstance?.description
        case .studyInstanceUID: attributes.studyInstanceUID = value.optionalIdentifier()?.description
        case .modality: modality = value.optionalCode()
        case .presentationShape: isPresentationInverted = value.optionalCode().map { $0.utf8.elementsEqual("INVERSE".utf8) } ?? false
        case .lossyImageCompression: isLossy = value.optionalCode().map { $0.utf8.elementsEqual("01".utf8) }
        case .burnedInAnnotation:
            if let text = value.optionalCode() {
                attributes.hasBurnedInAnnotation = text.utf8.elementsEqual("YES".utf8) ? true : text.utf8.elementsEqual("NO".utf8) ? false : nil
            }
        case .imageLaterality: imageLaterality = value.optionalLaterality()
        case .laterality: laterality = value.optionalLaterality()
        case .patientOrientation: (attributes.rowDirection, attributes.columnDirection) = value.optionalDirections()
        case .viewPosition: attributes.viewPosition = value.optionalCode()
        case .imagerPixelSpacing: attributes.imagerPixelSpacing = value.optionalSpacing()
        case .pixelAspectRatio: attributes.pixelAspectRatio = value.optionalAspectRatio()
        case .frameTime: attributes.frameTimeMilliseconds = value.optionalDecimals(count: 1).flatMap { $0[0] > 0 ? $0[0] : nil }
        case .frameTimeVector: frameTimes = value.optionalDecimals(limitCount: DICOMFile.limitFrameCount)
        default: return false
        }
        return true
    }

    private mutating func recordTable(_ tag: DICOMTag, _ element: DataElement) -> Bool {
        if tag == .extendedOffsetTable {
            extendedOffsets = element
        } else if tag == .extendedOffsetTableLengths {
            extendedLengths = element
        } else if let index = DICOMTag.paletteDescriptors.firstIndex(of: tag) {
            paletteDescriptors[index] = element
        } else if let index = DICOMTag.paletteData.firstIndex(of: tag) {
            paletteData[index] = element
        } else if let index = DICOMTag.paletteSegments.firstIndex(of: tag) {
            paletteSegments[index] = element
        } else {
            return false
        }
        return true
    }

    /// The fields of a frame: its own before those of all frames before those of the image.
    func fields(ofFrame index: Int) -> FrameFields {
        var fields = general
        fields.take(shared)
        if let own = frames[index] { fields.take(own) }
        return fields
    }
}

extension ImageHeader.FrameFields {
    /// Keeps the value of an element, if it is one of these.
    mutating func record(_ tag: DICOMTag, _ value: borrowing ElementValue) throws(DICOMError) -> Bool {
        switch tag {
        case .windowCentre, .windowWidth, .voiLookupFunction: recordWindow(tag, value)
        case .rescaleIntercept: rescaleIntercept = try value.firstDecimal()?.value
        case .rescaleSlope: rescaleSlope = try value.firstDecimal()?.value
        case .pixelSpacing: pixelSpacing = value.optionalSpacing()
        case .imagePosition: position = value.optionalDecimals(count: 3).map { PatientVector(x: $0[0], y: $0[1], z: $0[2]) }
        case .imageOrientation:
            guard let six = value.optionalDecimals(count: 6) else { return true }
            rowDirection = PatientVector(x: six[0], y: six[1], z: six[2])
            columnDirection = PatientVector(x: six[3], y: six[4], z: six[5])
        case .frameLaterality: laterality = value.optionalLaterality()
        default: return false
        }
        return true
    }

    private mutating func recordWindow(_ tag: DICOMTag, _ value: borrowing ElementValue) {
        do throws(DICOMError) {
            switch tag {
            case .windowCentre:
                guard let (centre, count) = try value.firstDecimal() else { return }
                (windowCentre, windowCount) = (centre, count)
            case .windowWidth: windowWidth = try value.firstDecimal()?.value
            default: voiFunction = ImageHeader.VOIFunction(try value.codeString())
            }
        } catch {
            windowFault = tag == .windowCentre ? .centre : tag == .windowWidth ? .width : .function
        }
    }

    /// Puts what `other` says in the place of what is said here; each functional group counts as a whole.
    mutating func take(_ other: ImageHeader.FrameFields) {
        if other.windowCentre != nil || other.windowWidth != nil || other.windowFault != nil {
            windowFault = other.windowFault
            (windowCentre, windowWidth, windowCount) = (other.windowCentre, other.windowWidth, other.windowCount)
            voiFunction = other.voiFunction
        }
        if other.rescaleSlope != nil || other.rescaleIntercept != nil {
            (rescaleSlope, rescaleIntercept) = (other.rescaleSlope, other.rescaleIntercept)
        }
        pixelSpacing = other.pixelSpacing ?? pixelSpacing
        position = other.position ?? position
        laterality = other.laterality ?? laterality
        if other.rowDirection != nil { (rowDirection, columnDirection) = (other.rowDirection, other.columnDirection) }
    }
}

extension ElementValue {
    /// Two distances in millimetres, both above zero: between rows, between columns.
    fileprivate func optionalSpacing() -> ImageAttributes.Spacing? {
        guard let two = optionalDecimals(count: 2), two[0] > 0, two[1] > 0 else { return nil }
        return ImageAttributes.Spacing(row: two[0], column: two[1])
    }

    /// An IS of two values of at least 1.
    fileprivate func optionalAspectRatio() -> ImageAttributes.AspectRatio? {
        guard let two = optionalDecimals(count: 2) else { return nil }
        let range = 1.0...1_000_000.0
        guard range.contains(two[0]), range.contains(two[1]) else { return nil }
        let (vertical, horizontal) = (Int(two[0]), Int(two[1]))
        guard Double(vertical) == two[0], Double(horizontal) == two[1] else { return nil }
        return ImageAttributes.AspectRatio(vertical: vertical, horizontal: horizontal)
    }

    /// Two values of letters, the direction of rows and that of columns, PS3.3 2024d C.7.6.1.1.1; nil for one that has other letters than those of a biped.
    fileprivate func optionalDirections() -> (row: ImageAttributes.Direction?, column: ImageAttributes.Direction?) {
        guard let two = optionalWords(count: 2) else { return (nil, nil) }
        return (ImageAttributes.Direction(letters: two[0]), ImageAttributes.Direction(letters: two[1]))
    }

    /// R, L, U or B.
    fileprivate func optionalLaterality() -> UInt8? {
        guard let text = optionalCode(), text.utf8.count == 1, let letter = text.utf8.first else { return nil }
        return [0x52, 0x4C, 0x55, 0x42].contains(letter) ? letter : nil
    }
}

extension ImageHeader.Photometric {
    fileprivate init?(_ text: [UInt8]?) {
        guard let text else { return nil }
        for (name, value) in ImageHeader.Photometric.names where text.elementsEqual(name.utf8) {
            self = value
            return
        }
        self = .other
    }

    private static let names: [(String, ImageHeader.Photometric)] = [
        ("MONOCHROME2", .monochrome2), ("MONOCHROME1", .monochrome1), ("PALETTE COLOR", .palette), ("RGB", .rgb), ("YBR_FULL", .ybrFull),
        ("YBR_FULL_422", .ybrFull422), ("YBR_RCT", .ybrReversible), ("YBR_ICT", .ybrIrreversible),
    ]
}

extension ImageHeader.VOIFunction {
    fileprivate init?(_ text: [UInt8]?) {
        guard let text else { return nil }
        if text.elementsEqual("LINEAR".utf8) {
            self = .linear
        } else if text.elementsEqual("LINEAR_EXACT".utf8) {
            self = .linearExact
        } else if text.elementsEqual("SIGMOID".utf8) {
            self = .sigmoid
        } else {
            self = .other
        }
    }
}
