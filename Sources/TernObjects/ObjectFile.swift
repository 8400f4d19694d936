public import TernFindings
import TernPlatform

/// A DICOM object as a Part 10 file.
public struct ObjectFile: Equatable, Sendable {
    /// Digits and full stops, at most 44.
    public let instanceUID: String
    public let bytes: [UInt8]
}

/// What every object about a result says: whose it is, where it comes from, who made it.
///
/// An object holds nothing that changes from one run to the next: the same image, model and settings give the same bytes, and with other content
/// comes another SOP Instance UID.
public struct ObjectContext: Sendable {
    let result: FindingResult
    let model: ReportModel
    let source: SourceInstance
    let softwareVersion: String
    let text: ObjectText

    /// - Parameters:
    ///   - result: of an image of one file; what it repeats of an earlier result is not looked at.
    ///   - source: the same file's.
    ///   - softwareVersion: of the program, for example `0.1.0`.
    public init(result: FindingResult, model: ReportModel, source: SourceInstance, softwareVersion: String) {
        self.result = result
        self.model = model
        self.source = source
        self.softwareVersion = softwareVersion
        text = ObjectText(isUnicode: source.isUnicode)
    }

    /// Names the model's file: another one after every training.
    var deviceUID: String { UniqueIdentifier.derived("device", from: [Array(model.reference.digest.utf8)]) }

    static let manufacturer = "Tern"
    static let deviceName = "ternd"

    /// What an object is beside its content.
    struct Kind {
        var name: String
        var classUID: String
        var modality: String
        var seriesNumber: String
        var seriesDescription: String
    }

    /// Completes an object with the elements that all kinds share (PS3.3 2024d C.7.1 to C.7.5, C.12.1) and makes it a file.
    func file(_ kind: Kind, _ content: DataSetBuilder) -> ObjectFile {
        var object = content
        source.add(to: &object)
        let (date, time) = source.content
        object.add(Tag.contentDate, .date, date)
        object.add(Tag.contentTime, .time, time)
        object.add(Tag.modality, .codeString, kind.modality)
        object.add(Tag.seriesNumber, .integerString, kind.seriesNumber)
        object.add(Tag.seriesDescription, .longString, kind.seriesDescription)
        object.add(Tag.instanceNumber, .integerString, source.instanceNumber)
        addEquipment(to: &object)
        let seriesUID = UniqueIdentifier.derived(
            "series " + kind.name, from: [Array(source.studyUID.utf8), Array(model.reference.digest.utf8), Array(softwareVersion.utf8)])
        object.add(Tag.seriesUID, .uniqueIdentifier, seriesUID)
        object.add(Tag.classUID, .uniqueIdentifier, kind.classUID)
        let instanceUID = UniqueIdentifier.derived(
            "instance " + kind.name, from: [Array(model.reference.digest.utf8), Array((result.input.sha256 ?? "").utf8), object.bytes])
        object.add(Tag.instanceUID, .uniqueIdentifier, instanceUID)
        return ObjectFile(instanceUID: instanceUID, bytes: Self.head(kind.classUID, instanceUID) + object.bytes)
    }

    private func addEquipment(to object: inout DataSetBuilder) {
        object.add(Tag.manufacturer, .longString, Self.manufacturer)
        object.add(Tag.manufacturerModelName, .longString, Self.deviceName)
        // There is no serial number of software: the model file's identity stands for it.
        object.add(Tag.deviceSerialNumber, .longString, text.line(model.reference.digest))
        object.add(Tag.softwareVersions, .longString, text.line(softwareVersion))
        var algorithm = DataSetBuilder()
        algorithm.add(Tag.purposeOfReference, item: text.item(Term.dicom("109102", "Processing Equipment")))
        algorithm.add(Tag.manufacturer, .longString, Self.manufacturer)
        algorithm.add(Tag.manufacturerModelName, .longString, text.line(model.reference.name))
        algorithm.add(Tag.softwareVersions, .longString, text.line(model.reference.version))
        algorithm.add(Tag.deviceUID, .uniqueIdentifier, deviceUID)
        algorithm.add(Tag.contributionDescription, .shortText, "Model that gave the findings; Device UID changes with its file")
        object.add(Tag.contributingEquipment, item: algorithm)
        var scheme = DataSetBuilder()
        scheme.add(Tag.codingScheme, .shortString, "99TERN")
        scheme.add(Tag.codingSchemeName, .shortText, "Codes of the Tern runtime")
        scheme.add(Tag.codingSchemeOrganisation, .shortText, "Tern")
        object.add(Tag.codingSchemeIdentification, item: scheme)
    }

    /// Preamble and file meta information, PS3.10 2024d 7.1.
    private static func head(_ classUID: String, _ instanceUID: String) -> [UInt8] {
        var meta = DataSetBuilder()
        var version: [UInt8] = []
        version.append(short: 0x0100)
        meta.add(Tag.metaVersion, .otherByte, version)
        meta.add(Tag.metaClassUID, .uniqueIdentifier, classUID)
        meta.add(Tag.metaInstanceUID, .uniqueIdentifier, instanceUID)
        meta.add(Tag.metaTransferSyntax, .uniqueIdentifier, "1.2.840.10008.1.2.1")
        meta.add(Tag.metaImplementation, .uniqueIdentifier, UniqueIdentifier.implementation)
        meta.add(Tag.metaImplementationName, .shortString, "TERN")
        let elements = meta.bytes
        var length: [UInt8] = []
        length.append(long: UInt32(truncatingIfNeeded: elements.count))
        var group = DataSetBuilder()
        group.add(0x0002_0000, .unsignedLong, length)
        return [UInt8](repeating: 0, count: 128) + Array("DICM".utf8) + group.bytes + elements
    }
}
