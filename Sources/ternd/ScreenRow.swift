import TernFindings
import TernImage
import TernJPEG
import TernPlatform
import TernPrepare
import TernScreening
import TernService
import TernWords

/// Makes of a file what is written of it; called by several threads.
final class ScreenRowMaker {
    private static let limitThumbnailSide = 96
    private static let thumbnailQuality = 75
    private static let pictureQuality = 85

    private let model: ReportModel
    private let labels: [String]
    private let makesPictures: Bool
    private let outbox: OutboxWriter?

    init(model: ReportModel, makesPictures: Bool, outbox: OutboxWriter?) {
        self.model = model
        self.outbox = outbox
        self.makesPictures = makesPictures
        labels = model.labels.filter { $0.isReported }.map { $0.name }
    }

    /// - Throws: what keeps the outbox from taking the result; it is then not recorded.
    func item(_ job: ScreenJob, _ reader: Reader) throws(PlatformError) -> ScreenedItem {
        var analysis = job.refusal.map { reader.refuse($0, identifier: job.identifier) } ?? reader.read(job.input, identifier: job.identifier)
        analysis.result.sequence = job.index
        let written = try outbox?.write(analysis, input: job.input.bytes)
        let result = analysis.result
        let evidence = makesPictures ? analysis.evidence : nil
        let words = (
            english: ReportWords.text(of: result, model: model, language: .english), chinese: ReportWords.text(of: result, model: model, language: .chinese)
        )
        var item = ScreenedItem(
            file: job.file, index: job.index, result: result, maps: evidence?.maps ?? [], labels: labels, words: words,
            side: (evidence?.imageWidth ?? 0, evidence?.imageHeight ?? 0), frame: result.frames.isEmpty ? nil : evidence?.frame,
            thumbnail: evidence.flatMap { thumbnail(of: $0.picture) }.map { JPEGEncoder.encode($0, quality: Self.thumbnailQuality) } ?? [],
            picture: evidence.map { JPEGEncoder.encode($0.picture, quality: Self.pictureQuality) } ?? [])
        if let written { item.missingObject = missingObject(of: result, written) }
        return item
    }

    /// Nil where no object was asked for, or nothing could be read.
    private func missingObject(of result: FindingResult, _ written: [OutboxWriter.Form]) -> ScreenedItem.MissingObject? {
        guard let outbox, outbox.forms.contains(where: { $0.needsDICOM }), result.input.sha256 != nil else { return nil }
        if result.input.kind != .dicom { return .notDICOM }
        // A capture may be missing of an object that has no picture.
        return outbox.forms.contains(.report) && !written.contains(.report) ? .notIdentified : nil
    }

    private func thumbnail(of picture: ShownImage) -> ShownImage? {
        shownImage(
            of: DecodedImage(
                width: picture.width, height: picture.height, channels: picture.channels, bitsStored: 8, samples: .uint8(picture.samples), greyscale: nil),
            limitSide: Self.limitThumbnailSide)
    }
}
