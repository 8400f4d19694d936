public import TernDICOM

/// What objects take over from the image that they are about: its identifiers, and the elements of patient and study as they stand in the file.
///
/// It names the patient and is therefore kept nowhere: it lives from the bytes of the image to the object that is written.
public struct SourceInstance: Sendable {
    /// An element that is taken over.
    struct Copied {
        var tag: UInt32
        var representation: Representation
        /// Written empty when the image does not have it (type 2).
        var isWritten = false
        /// Most bytes: eight for each character of the representation's limit, which is more than any repertoire needs.
        var limitByteCount = 512
    }

    private let values: TopLevelValues
    /// Digits and full stops.
    let studyUID: String
    let seriesUID: String
    let instanceUID: String
    let classUID: String
    /// Defined term; empty where the file has none.
    let modality: String
    /// Whether texts of ours may hold more than ASCII: the set of the file is UTF-8, or it needs none.
    let isUnicode: Bool

    /// Reads what is needed of a DICOM file.
    ///
    /// - Throws: `DICOMError` of the structure, and `.missingElement` for a file that does not say which study, series, instance and class it is.
    public init(parsing bytes: RawSpan) throws(DICOMError) {
        var tags = Self.copied.map { DICOMTag($0.tag) }
        tags += [.characterSet, .classUID, .instanceUID, .modalityOfSource, .studyUID, .seriesUID] + Self.dates + Self.times + Self.others
        values = try TopLevelValues(parsing: bytes, tags: tags, limitByteCount: 512)
        let values = self.values
        func identifier(_ tag: DICOMTag) throws(DICOMError) -> String {
            guard let text = values[tag], let identifier = DICOMUID(characters: text) else { throw .missingElement(tag: tag) }
            return identifier.description
        }
        studyUID = try identifier(.studyUID)
        seriesUID = try identifier(.seriesUID)
        instanceUID = try identifier(.instanceUID)
        classUID = try identifier(.classUID)
        modality = Self.code(values[.modalityOfSource])
        let set = values[.characterSet] ?? []
        let isPlain = Self.copied.allSatisfy { element in values[DICOMTag(element.tag)]?.allSatisfy { $0 < 0x80 } ?? true }
        isUnicode = set.elementsEqual("ISO_IR 192".utf8) || set.isEmpty && isPlain
    }

    /// Adds patient, patient study and general study, with the character set that their texts are in.
    func add(to object: inout DataSetBuilder) {
        for element in Self.copied {
            let value = values[DICOMTag(element.tag)]
            guard value != nil || element.isWritten else { continue }
            object.add(element.tag, element.representation, value.flatMap { $0.count <= element.limitByteCount ? $0 : nil } ?? [])
        }
        if let set = values[.characterSet], !set.isEmpty {
            object.add(Tag.characterSet, .codeString, set)
        } else if isUnicode {
            object.add(Tag.characterSet, .codeString, "ISO_IR 192")
        }
        if value(Tag.patientIdentityRemoved) != nil, value(Tag.deidentificationMethod) == nil {
            object.add(Tag.deidentificationMethod, .longString, "As in the source image")
        }
        object.add(Tag.studyUID, .uniqueIdentifier, studyUID)
    }

    /// Date and time that an object carries: those of the image, so that writing it again gives the same bytes; the first day of 1900 where it has none.
    var content: (date: [UInt8], time: [UInt8]) {
        for (date, time) in zip(Self.dates, Self.times) {
            guard let day = values[date], day.count == 8, day.allSatisfy(isDigit) else { continue }
            let moment = values[time] ?? []
            let hasTime = (2...16).contains(moment.count) && moment.allSatisfy { isDigit($0) || $0 == 0x2E } && moment.prefix(2).allSatisfy(isDigit)
            return (day, hasTime ? moment : Array("000000".utf8))
        }
        return (Array("19000101".utf8), Array("000000".utf8))
    }

    /// A value of the image: of what is copied, or of `others`.
    func value(_ tag: UInt32) -> [UInt8]? { values[DICOMTag(tag)] }

    /// The image's number in its series, 1 where it has none.
    var instanceNumber: [UInt8] {
        guard let number = value(Tag.instanceNumber), (1...9).contains(number.count), number.allSatisfy(isDigit) else { return [0x31] }
        return number
    }

    private static func code(_ value: [UInt8]?) -> String {
        guard let value, value.count <= 16, value.allSatisfy({ isDigit($0) || (0x41...0x5A).contains($0) }) else { return "" }
        return String(decoding: value, as: UTF8.self)
    }

    private static let dates = [DICOMTag(0x0008, 0x0023), DICOMTag(0x0008, 0x0022), DICOMTag(0x0008, 0x0021), DICOMTag(0x0008, 0x0020)]
    private static let times = [DICOMTag(0x0008, 0x0033), DICOMTag(0x0008, 0x0032), DICOMTag(0x0008, 0x0031), DICOMTag(0x0008, 0x0030)]

    private static let others = [Tag.instanceNumber, Tag.patientOrientation, Tag.laterality, Tag.burnedInAnnotation].map { DICOMTag($0) }

    /// PS3.3 2024d C.7.1.1, C.7.2.1, C.7.2.2; without sequences and without free texts of more than a line.
    private static let copied: [Copied] = [
        Copied(tag: 0x0008_0020, representation: .date, isWritten: true, limitByteCount: 8),
        Copied(tag: 0x0008_0030, representation: .time, isWritten: true, limitByteCount: 16),
        Copied(tag: 0x0008_0050, representation: .shortString, isWritten: true, limitByteCount: 128),
        Copied(tag: 0x0008_0090, representation: .personName, isWritten: true),
        Copied(tag: 0x0008_0201, representation: .shortString, limitByteCount: 16),
        Copied(tag: 0x0008_1030, representation: .longString),
        Copied(tag: 0x0010_0010, representation: .personName, isWritten: true),
        Copied(tag: 0x0010_0020, representation: .longString, isWritten: true),
        Copied(tag: 0x0010_0021, representation: .longString),
        Copied(tag: 0x0010_0030, representation: .date, isWritten: true, limitByteCount: 8),
        Copied(tag: 0x0010_0032, representation: .time, limitByteCount: 16),
        Copied(tag: 0x0010_0040, representation: .codeString, isWritten: true, limitByteCount: 16),
        Copied(tag: 0x0010_1010, representation: .ageString, limitByteCount: 4),
        Copied(tag: 0x0010_1020, representation: .decimalString, limitByteCount: 16),
        Copied(tag: 0x0010_1030, representation: .decimalString, limitByteCount: 16),
        Copied(tag: 0x0010_2160, representation: .shortString, limitByteCount: 128),
        Copied(tag: 0x0012_0062, representation: .codeString, limitByteCount: 16),
        Copied(tag: 0x0012_0063, representation: .longString),
        Copied(tag: 0x0020_0010, representation: .shortString, isWritten: true, limitByteCount: 128),
    ]
}

/// A digit of ASCII.
func isDigit(_ character: UInt8) -> Bool { (0x30...0x39).contains(character) }

extension DICOMTag {
    fileprivate init(_ tag: UInt32) { self.init(UInt16(truncatingIfNeeded: tag >> 16), UInt16(truncatingIfNeeded: tag)) }

    fileprivate static let characterSet = DICOMTag(Tag.characterSet)
    fileprivate static let classUID = DICOMTag(Tag.classUID)
    fileprivate static let instanceUID = DICOMTag(Tag.instanceUID)
    fileprivate static let modalityOfSource = DICOMTag(Tag.modality)
    fileprivate static let studyUID = DICOMTag(Tag.studyUID)
    fileprivate static let seriesUID = DICOMTag(Tag.seriesUID)
}
