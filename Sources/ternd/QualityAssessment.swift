import TernFindings
import TernImage
import TernModel
import TernPrepare
import TernQuality

extension ImageQuality {
    /// The facts of a decoded image.
    init(_ image: DecodedImage) {
        self.init(width: image.width, height: image.height, channels: image.channels, bitsStored: image.bitsStored)
    }

    /// Asks the model's quality gate, takes over what it measured, and gives why it refuses the image, if it does.
    mutating func assess(_ image: DecodedImage, _ prepared: PreparedInput, of file: ImageFile, for model: ModelFile) -> QualityRefusal? {
        let report = assessQuality(
            model.qualityRules, image: image, attributes: file.attributes, prepared: prepared.values.span, recipe: model.recipe
        ) {
            textShare(in: greyPlane(of: image, longestSide: textSearchLongestSide), crop: model.recipe.crop)
        }
        return take(report)
    }

    /// The same of a picture in shared memory.
    mutating func assess(_ pixels: RawPixels, in bytes: RawSpan, _ prepared: PreparedInput, for model: ModelFile) -> QualityRefusal? {
        let asksForText = model.qualityRules?.rule(.text) != nil
        // Before the call: its closure cannot hold the span.
        let share =
            asksForText ? textShare(in: greyPlane(of: pixels, in: bytes, longestSide: textSearchLongestSide), crop: model.recipe.crop) : 0
        let report = assessQuality(
            model.qualityRules, pixels: pixels, in: bytes, prepared: prepared.values.span, recipe: model.recipe
        ) { share }
        return take(report)
    }

    private mutating func take(_ report: QualityReport) -> QualityRefusal? {
        guard let found = report.measures else { return nil }
        isAssessed = true
        measures = [
            Measure(name: "shortSide", value: Float(found.shortSide)), Measure(name: "colour", value: found.colour),
            Measure(name: "brightness", value: found.brightness), Measure(name: "contrast", value: found.contrast),
            Measure(name: "saturation", value: found.saturation), Measure(name: "blur", value: found.blur),
        ]
        if let text = found.text { measures.append(Measure(name: "text", value: text)) }
        return report.refusal
    }
}
