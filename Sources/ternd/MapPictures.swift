import TernFindings
import TernJPEG
import TernPlatform
import TernRegions
import TernService

extension Analysis {
    /// Quality of the JPEG files of maps: the edges of boxes stay clean.
    static let mapQuality = 90

    /// A picture for each map of the evidence, with the boxes of its finding where they are of the same frame.
    func drawnMaps() -> [MapPicture] {
        guard let evidence else { return [] }
        var pictures: [MapPicture] = []
        for map in evidence.maps {
            var regions: [FindingRegion] = []
            for finding in result.findings where finding.label.utf8.elementsEqual(map.label.utf8) && (finding.frame ?? evidence.frame) == evidence.frame {
                regions = finding.location?.regions ?? []
            }
            let picture = Overlay.picture(of: map, regions: regions, over: evidence)
            pictures.append(MapPicture(label: map.label, bytes: JPEGEncoder.encode(picture, quality: Self.mapQuality)))
        }
        return pictures
    }
}

extension Arguments {
    /// What `serve` keeps of maps; nil without `--maps`.
    func mapLimits() throws(Failure) -> MapLimits? {
        var limits = MapLimits()
        limits.byteCount = try number("--maps-bytes")
        return has("--maps") ? limits : nil
    }
}

/// Where `ternd infer --maps` puts what it draws: of each image `SEQUENCE-LABEL.jpg` for each label, and the numbers in `SEQUENCE.json`.
struct MapFolder {
    private let path: String

    /// Makes the folder when it is missing (0750).
    init(_ path: String) throws(Failure) {
        self.path = path
        do throws(PlatformError) { try makeDirectory(path, mode: 0o750) } catch { throw Self.failure(error) }
    }

    /// Writes the maps of an analysis (0640: they show a patient); nothing for one that has none.
    func write(_ analysis: Analysis) throws(Failure) {
        guard let evidence = analysis.evidence, !evidence.maps.isEmpty else { return }
        var text = JSONText()
        text.value(evidence)
        let start = path + "/" + String(analysis.result.sequence)
        do throws(PlatformError) {
            try writeFileAtomically(start + ".json", text.utf8 + [0x0A], mode: 0o640)
            let pictures = analysis.drawnMaps()
            for (picture, name) in zip(pictures, mapFileNames(of: pictures.map { $0.label })) {
                try writeFileAtomically(start + "-" + name + ".jpg", picture.bytes, mode: 0o640)
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: PlatformError) -> Failure {
        guard case .openFailed(let errno) = error else { return Failure(.cannotOpen, "maps: a bad path") }
        return Failure(ExitCode(errno: errno, otherwise: .inputOutput), "maps: \(reason(errno))")
    }
}
