import TernBytes
import TernDICOM
import TernPlatform

/// De-identifies DICOM files: PS3.15 annex E, Basic Application Level Confidentiality Profile with the options that are in force.
///
/// One value serves any number of files; files that name the same thing get the same new name for it, in any order and at any time.
public struct Deidentifier {
    private let key: DeidentificationKey
    private let options: DeidentificationOptions
    private let decoder: FrameDecoder

    /// - Parameter decoder: for compressed frames that text may be burned into; without one such files are refused.
    public init(key: DeidentificationKey, options: DeidentificationOptions, decoder: @escaping FrameDecoder = { _, _ in nil }) {
        self.key = key
        self.options = options
        self.decoder = decoder
    }

    /// A new Part 10 file.
    public struct Output: Sendable {
        public var bytes: [UInt8]
        /// The new SOP Instance UID.
        public var sopInstanceUID: String
        public var report: DeidentificationReport
    }

    /// De-identifies one file.
    ///
    /// - Throws: `DeidentificationError`; nothing of the input leaves then.
    /// - Cost: three passes over the data set; memory for the file and its output.
    public func deidentify(_ file: [UInt8]) throws(DeidentificationError) -> Output {
        let source = try SourceFile(parsing: file)
        let facts = try DataSetFacts(source)
        let sopClass = facts.sopClassUID.isEmpty ? source.mediaStorageClass ?? [] : facts.sopClassUID
        guard ValueRules.isIdentifier(sopClass) else { throw .noSOPClass }
        guard Registry.isClass(sopClass) else { throw .unknownSOPClass }
        // Media Storage Directory Storage, PS3.4 2024d B.5.
        guard sopClass != Array("1.2.840.10008.1.3.10".utf8) else { throw .directory }
        let plan = try PixelPlan(file, source, facts, options, decoder: decoder)
        var report = DeidentificationReport()
        report.pixels = plan.report
        report.methodCodes = methodCodes(plan)
        report.trailingByteCount = facts.end.map { source.bytes.count - $0 } ?? 0
        // An instance without an identifier of its own is named by its bytes.
        let original = facts.sopInstanceUID.isEmpty ? Digest.sha256(file) : facts.sopInstanceUID
        let instance = Pseudonyms(key: key).identifier(for: original)
        var rewriter = DataSetRewriter(
            source, facts: facts, policy: ElementPolicy(options: options, key: key, facts: facts),
            overrides: overrides(plan, facts: facts, sopClass: sopClass, instance: instance), methodCodes: report.methodCodes, replacedPixels: plan.pixels,
            frames: plan.frames)
        let dataSet: ElementWriter
        do throws(DICOMError) { dataSet = try rewriter.rewrite() } catch { throw .structure(error) }
        report.actions = rewriter.actions
        var writer = ElementWriter()
        writer.reserve(dataSet.bytes.count + 1_024)
        writeMeta(&writer, sopClass: sopClass, instance: instance, transferSyntax: transferSyntax(source, facts, plan))
        writer.append(dataSet)
        return Output(bytes: writer.bytes, sopInstanceUID: String(decoding: instance, as: UTF8.self), report: report)
    }

    /// Explicit VR little endian, save for compressed pixels that stay as they are.
    private func transferSyntax(_ source: SourceFile, _ facts: DataSetFacts, _ plan: PixelPlan) -> String {
        let explicitLittleEndian = "1.2.840.10008.1.2.1"
        return facts.isEncapsulated && plan.pixels == nil ? source.transferSyntax ?? explicitLittleEndian : explicitLittleEndian
    }

    private func methodCodes(_ plan: PixelPlan) -> [String] {
        let isCleaned = plan.report.status == "searched" || plan.report.status == "cleaned"
        return [MethodCode.basicProfile] + (isCleaned ? [MethodCode.cleanPixelData] : []) + (options.shiftsDates ? [MethodCode.modifiedDates] : [])
            + (options.retainsDevice ? [MethodCode.deviceIdentity] : [])
    }

    /// What the output says about itself, PS3.15 E.1.1 and E.3.
    private func overrides(
        _ plan: PixelPlan, facts: DataSetFacts, sopClass: [UInt8], instance: [UInt8]
    ) -> [UInt32: DataSetRewriter.Override?] {
        typealias Override = DataSetRewriter.Override
        let method = (["PS3.15 Annex E"] + methodCodes(plan).map { MethodCode.meaning($0) }).joined(separator: "\\")
        var result: [UInt32: Override?] = [
            0x0008_0016: Override(representation: .UI, value: sopClass),
            0x0008_0018: Override(representation: .UI, value: instance),
            0x0012_0062: Override(representation: .CS, value: Array("YES".utf8)),
            0x0012_0063: Override(representation: .LO, value: Array(method.utf8)),
            0x0012_0064: Override(representation: .SQ, value: []),
            0x0028_0303: Override(representation: .CS, value: Array((options.shiftsDates ? "MODIFIED" : "REMOVED").utf8)),
        ]
        // The offsets of compressed frames count bytes that are no longer there.
        for tag: UInt32 in [0x7FE0_0001, 0x7FE0_0002] { result[tag] = .some(nil) }
        if plan.report.status == "cleaned" { result[0x0028_0301] = Override(representation: .CS, value: Array("NO".utf8)) }
        guard let pixels = plan.pixels, facts.isEncapsulated else { return result }
        let number = { (value: Int) in Override(representation: .US, value: [UInt8(value & 0xFF), UInt8(value >> 8)]) }
        result[0x0028_0002] = number(pixels.samplesPerPixel)
        result[0x0028_0004] = Override(representation: .CS, value: Array(pixels.photometricInterpretation.utf8))
        // Planar Configuration is demanded for colour and has no place elsewhere.
        result[0x0028_0006] = pixels.samplesPerPixel == 3 ? number(0) : .some(nil)
        result[0x0028_0100] = number(pixels.bitsAllocated)
        result[0x0028_0101] = number(pixels.bitsStored)
        result[0x0028_0102] = number(pixels.bitsStored - 1)
        result[0x0028_0103] = number(pixels.isSigned ? 1 : 0)
        // The palette that the colours came from.
        if pixels.samplesPerPixel == 3 {
            for tag: UInt32 in [0x0028_1101, 0x0028_1102, 0x0028_1103, 0x0028_1201, 0x0028_1202, 0x0028_1203, 0x0028_1221, 0x0028_1222, 0x0028_1223] {
                result[tag] = .some(nil)
            }
        }
        return result
    }

    /// A preamble of zeros and group 0002, PS3.10 2024d 7.1; nothing comes from the input but the class and the transfer syntax.
    private func writeMeta(_ writer: inout ElementWriter, sopClass: [UInt8], instance: [UInt8], transferSyntax: String) {
        var meta = ElementWriter()
        meta.write(DICOMTag(0x0002, 0x0001), .OB, [0, 1])
        meta.write(DICOMTag(0x0002, 0x0002), .UI, sopClass)
        meta.write(DICOMTag(0x0002, 0x0003), .UI, instance)
        meta.write(DICOMTag(0x0002, 0x0010), .UI, text: transferSyntax)
        meta.write(DICOMTag(0x0002, 0x0012), .UI, text: "2.25.62691704897133207743063807708441922661")
        meta.write(DICOMTag(0x0002, 0x0013), .SH, text: "TERN_DEID_1")
        let count = UInt32(meta.bytes.count)
        writer.append(bytes: [UInt8](repeating: 0, count: 128) + Array("DICM".utf8))
        writer.write(DICOMTag(0x0002, 0x0000), .UL, (0..<4).map { UInt8(count >> ($0 * 8) & 0xFF) })
        writer.append(meta)
    }
}
