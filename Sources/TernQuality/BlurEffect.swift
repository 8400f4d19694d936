public import TernImage

/// The blur effect of a plane, 0 sharp ... 1 blurred: how little is lost when the plane is blurred once more.
///
/// Measure of Crété-Roffet et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual blur metric", with Sobel's
/// operator for the variations: S = |sobel(I)| along an axis, B the same of I after a mean of `span` values along that axis (both mirrored at the
/// edge, the edge value twice); the effect along the axis is Σ min(S, B) / Σ S, over all pixels but two rows and columns at the edges; the effect is
/// the larger one of both axes. It does not depend on contrast. A plane without variation has the effect 1.
///
/// - Range: 0 ... 1. Sums are exact integers and there is one division, so the result has the same bits everywhere.
/// - Returns: nil when a side is shorter than `span`.
/// - Cost: about 40 operations a pixel; three planes of Int32.
public func blurEffect(of plane: GreyPlane) -> Float? {
    guard plane.width >= blurSpan, plane.height >= blurSpan else { return nil }
    return max(effect(plane, alongRows: true), effect(plane, alongRows: false))
}

/// Values of the mean, an odd number: Crété-Roffet's 9.
let blurSpan = 9

private func effect(_ plane: GreyPlane, alongRows: Bool) -> Float {
    // Lines run along the axis.
    let (places, lines) = alongRows ? (plane.width, plane.height) : (plane.height, plane.width)
    let (placeStep, lineStep) = alongRows ? (1, plane.width) : (plane.width, 1)
    var smoothed = [Int32](repeating: 0, count: places * lines)
    var plain = smoothed
    // The cross smoothing 1, 2, 1 of Sobel's operator, then the sliding sum along the line.
    for line in 0..<lines {
        let (above, below) = (max(line - 1, 0) * lineStep, min(line + 1, lines - 1) * lineStep)
        for place in 0..<places {
            let at = place * placeStep
            plain[line * places + place] =
                Int32(plane.values[above + at]) + 2 * Int32(plane.values[line * lineStep + at]) + Int32(plane.values[below + at])
        }
        slidingSum(plain, from: line * places, count: places, into: &smoothed)
    }
    var (sharp, kept) = (0 as Int64, 0 as Int64)
    for line in 2..<(lines - 1) {
        for place in 2..<(places - 1) {
            let at = line * places + place
            // |x| ≤ 9 · 4 · 255.
            let step = Int32(blurSpan) * abs(plain[at + 1] - plain[at - 1])
            sharp += Int64(step)
            kept += Int64(min(step, abs(smoothed[at + 1] - smoothed[at - 1])))
        }
    }
    return sharp == 0 ? 1 : Float(Double(kept) / Double(sharp))
}

/// The sum of `blurSpan` values around each place, mirrored at both ends with the end value twice.
private func slidingSum(_ values: [Int32], from start: Int, count: Int, into sums: inout [Int32]) {
    let half = blurSpan / 2
    func at(_ place: Int) -> Int32 {
        let mirrored = place < 0 ? -1 - place : place >= count ? 2 * count - 1 - place : place
        return values[start + mirrored]
    }
    var sum: Int32 = 0
    for place in -half...half { sum += at(place) }
    for place in 0..<count {
        sums[start + place] = sum
        sum += at(place + half + 1) - at(place - half)
    }
}
