import TernBytes
import TernDICOM
import TernImage

/// What must be known of a data set before its first element is written: whose it is, how its pixels lie, what its codes belong to.
struct DataSetFacts: Sendable {
    var patientID: [UInt8] = []
    var studyInstanceUID: [UInt8] = []
    var sopClassUID: [UInt8] = []
    var sopInstanceUID: [UInt8] = []
    var modality = ""
    var manufacturer = ""
    var model = ""
    var photometricInterpretation = ""
    var burnedInAnnotation = ""
    var rows = 0
    var columns = 0
    var frameCount = 1
    var samplesPerPixel = 1
    var bitsAllocated = 0
    var bitsStored = 0
    var isSigned = false
    var isPlanar = false
    /// Native pixel data of the image itself.
    var pixels: DataElement?
    /// Encapsulated pixel data of the image itself, without the basic offset table.
    var fragments: [Range<Int>] = []
    var isEncapsulated: Bool { pixels?.isUndefinedLength ?? false }
    /// Value of the basic offset table.
    var offsetTable: Range<Int>?
    var ultrasoundRegions: [PixelRectangle] = []
    /// Centre and width of the first window and the rescaling before it; nil where they are no numbers.
    var windowCentre, windowWidth: Double?
    var rescaleSlope = 1.0, rescaleIntercept = 0.0
    /// Palette of 8 or 16 bits, red, green, blue: value ranges.
    var palette: [Range<Int>] = []
    /// Where the structure ends that could be followed; what lies behind the pixels and cannot be followed is not copied.
    var end: Int?
    /// Code values and their coding schemes by the offset of their item.
    private(set) var codes: [Int: CodedEntry] = [:]

    private var region = PartialRegion()
    private struct PartialRegion { var x0, y0, x1, y1: Int? }

    init(_ source: borrowing SourceFile) throws(DeidentificationError) {
        var walker = DataSetWalker(source.bytes.rawBytes, encoding: source.encoding, offset: source.offset)
        var items: [Int] = []
        var sequences: [DICOMTag] = []
        var fragmentIndex = -1
        while true {
            let event: DataSetEvent?
            do throws(DICOMError) {
                event = try walker.next()
            } catch {
                // Nothing but trailing padding and signatures may follow the pixels, and neither is copied.
                guard let pixels, sequences.isEmpty, !isEncapsulated || fragmentIndex < 0 else { throw .structure(error) }
                end = pixels.isUndefinedLength ? walker.offset : pixels.valueRange.upperBound
                return
            }
            guard let event else { return }
            switch event {
            case .element(let element):
                let value = source.bytes[element.valueRange]
                if let item = items.last {
                    if element.tag == DICOMTag(0x0008, 0x0100) { codes[item, default: CodedEntry()].value = trimmed(Array(value)) }
                    if element.tag == DICOMTag(0x0008, 0x0102) { codes[item, default: CodedEntry()].scheme = trimmed(Array(value)) }
                    if sequences == [DICOMTag(0x0018, 0x6011)] { readRegion(element, value) }
                } else {
                    read(element, value)
                }
            case .sequenceStart(let element): sequences.append(element.tag)
            case .sequenceEnd: sequences.removeLast()
            case .itemStart(let offset):
                items.append(offset)
                region = PartialRegion()
            case .itemEnd: items.removeLast()
            case .fragmentsStart(let element):
                if items.isEmpty, element.tag == .pixelData { pixels = element }
                fragmentIndex = 0
            case .fragment(let range):
                if items.isEmpty, isEncapsulated, fragmentIndex == 0 { offsetTable = range }
                if items.isEmpty, isEncapsulated, fragmentIndex > 0 { fragments.append(range) }
                fragmentIndex += 1
            case .fragmentsEnd: fragmentIndex = -1
            }
        }
    }

    /// Whose dates move together: the patient, or the study where no patient is named.
    var identity: [UInt8] { patientID.isEmpty ? studyInstanceUID : patientID }

    var pixelByteCount: Int? {
        let (pixels, overflow) = rows.multipliedReportingOverflow(by: columns)
        let (samples, more) = pixels.multipliedReportingOverflow(by: samplesPerPixel)
        let (all, most) = samples.multipliedReportingOverflow(by: frameCount)
        let (bits, last) = all.multipliedReportingOverflow(by: bitsAllocated)
        guard !overflow, !more, !most, !last, bits > 0 else { return nil }
        // PS3.3 2024d C.7.6.3.1.2: two values of each colour difference for four pixels.
        return (photometricInterpretation == "YBR_FULL_422" && samplesPerPixel == 3 ? bits / 3 * 2 : bits).advanced(by: 7) / 8
    }

    private mutating func read(_ element: DataElement, _ value: ArraySlice<UInt8>) {
        let text = { String(decoding: trimmed(Array(value.prefix(1_024))), as: UTF8.self) }
        let number = { Int(unsigned(value, isBigEndian: element.isBigEndian) ?? 0) }
        switch element.tag.number {
        case 0x0008_0016: sopClassUID = trimmed(Array(value))
        case 0x0008_0018: sopInstanceUID = trimmed(Array(value))
        case 0x0008_0060: modality = text()
        case 0x0008_0070: manufacturer = text()
        case 0x0008_1090: model = text()
        case 0x0010_0020: patientID = trimmed(Array(value))
        case 0x0020_000D: studyInstanceUID = trimmed(Array(value))
        case 0x0028_0002: samplesPerPixel = number()
        case 0x0028_0004: photometricInterpretation = text()
        case 0x0028_0006: isPlanar = number() == 1
        case 0x0028_0008: frameCount = max(decimal(trimmed(Array(value))) ?? 1, 1)
        case 0x0028_0010: rows = number()
        case 0x0028_0011: columns = number()
        case 0x0028_0100: bitsAllocated = number()
        case 0x0028_0101: bitsStored = number()
        case 0x0028_0103: isSigned = number() == 1
        case 0x0028_0301: burnedInAnnotation = text()
        case 0x0028_1050: windowCentre = firstReal(value)
        case 0x0028_1051: windowWidth = firstReal(value)
        case 0x0028_1052: rescaleIntercept = firstReal(value) ?? 0
        case 0x0028_1053: rescaleSlope = firstReal(value) ?? 1
        case 0x0028_1201, 0x0028_1202, 0x0028_1203: palette.append(element.valueRange)
        case 0x7FE0_0010: pixels = element
        default: break
        }
    }

    /// A region of PS3.3 2024d C.8.5.5: its corners belong to it.
    private mutating func readRegion(_ element: DataElement, _ value: ArraySlice<UInt8>) {
        guard let number = unsigned(value, isBigEndian: element.isBigEndian), number < 65_536 else { return }
        switch element.tag.element {
        case 0x6018: region.x0 = Int(number)
        case 0x601A: region.y0 = Int(number)
        case 0x601C: region.x1 = Int(number)
        case 0x601E: region.y1 = Int(number)
        default: return
        }
        guard ultrasoundRegions.count <= CleaningRules.limitRegionCount, let x0 = region.x0, let y0 = region.y0, let x1 = region.x1, let y1 = region.y1, x0 <= x1, y0 <= y1 else { return }
        ultrasoundRegions.append(PixelRectangle(x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1))
        region = PartialRegion()
    }
}

/// A code value and the coding scheme designator beside it.
struct CodedEntry: Sendable {
    var value: [UInt8] = []
    var scheme: [UInt8] = []
}

/// The first number of a DS; nil for what is none.
func firstReal(_ value: ArraySlice<UInt8>) -> Double? {
    let text = trimmed(Array(value.prefix(256).prefix { $0 != 0x5C }))
    guard ValueRules.isDecimal(text), let number = Double(String(decoding: text, as: UTF8.self)), number.isFinite else { return nil }
    return number
}

/// One US or UL.
func unsigned(_ value: ArraySlice<UInt8>, isBigEndian: Bool) -> UInt32? {
    guard value.count == 2 || value.count == 4 else { return nil }
    var number = UInt32(0)
    for byte in isBigEndian ? Array(value) : value.reversed() { number = number << 8 | UInt32(byte) }
    return number
}
