import TernEngine
import TernFindings
import TernImage
import TernModel
import TernPrepare
import TernRegions

/// What a person is to look at beside the result of one file, gathered frame by frame.
struct EvidenceMaker {
    /// Longest side of the pictures.
    let limitSide: Int
    /// That of the frame with the highest finding so far, among those that can be shown; nil while there is none.
    private(set) var evidence: Evidence?
    /// Of the frame in `evidence`; nil for one without findings that count.
    private var highestScore: Float?
    /// The highest score of each reported label so far.
    private var highestScores: [Float?]

    init(limitSide: Int, reportedCount: Int) {
        self.limitSide = limitSide
        highestScores = [Float?](repeating: nil, count: reportedCount)
    }

    /// Takes in a decoded frame that is not analysed: somebody may want to see why.
    mutating func take(refused image: DecodedImage, frame: Int) {
        if evidence == nil { evidence = Evidence(image, frame: frame, limitSide: limitSide, maps: []) }
    }

    /// Takes in an analysed frame, right after its inference, and says where its findings are.
    ///
    /// Maps of an image that the out-of-distribution gate flags say as little as its scores: it has none.
    mutating func take(_ image: DecodedImage, _ file: ImageFile, _ frame: inout FrameResult, _ engine: Engine, _ labels: Labels) {
        let top = frame.isFlagged ? nil : frame.findings.map { $0.score }.max()
        let isHighest = evidence == nil || (top != nil && (highestScore == nil || top ?? 0 > highestScore ?? 0))
        var maps: [LocationMap] = []
        if !frame.isFlagged {
            let area = usedArea(width: image.width, height: image.height, recipe: engine.model.recipe)
            var index = 0
            for label in labels.labels where label.isReported {
                defer { index += 1 }
                let isBest = highestScores[index].map { frame.findings[index].score > $0 } ?? true
                guard isHighest || isBest, let map = engine.locationMap(of: label, labels, area: area) else { continue }
                maps.append(map)
                guard isBest else { continue }
                highestScores[index] = frame.findings[index].score
                // A label that is called negative is nowhere.
                guard frame.findings[index].call != .negative else { continue }
                frame.findings[index].location = FindingLocation(
                    of: map, imageWidth: image.width, imageHeight: image.height, attributes: file.attributes)
            }
        }
        // Without a picture there is nothing to look at; the findings keep their places.
        guard isHighest, let made = Evidence(image, frame: frame.frame, limitSide: limitSide, maps: maps) else { return }
        highestScore = top
        evidence = made
    }
}

extension Evidence {
    /// Nil for an image that cannot be shown.
    init?(_ image: DecodedImage, frame: Int, limitSide: Int, maps: [LocationMap]) {
        guard let picture = shownImage(of: image, limitSide: limitSide) else { return nil }
        self.init(frame: frame, picture: picture, maps: maps, imageWidth: image.width, imageHeight: image.height)
    }
}
