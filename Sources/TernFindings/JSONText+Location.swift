import TernImage

extension JSONText {
    /// A location as an object: the method and its regions; members that a region has not are left out.
    @inline(never)
    public mutating func value(_ location: FindingLocation) {
        beginObject()
        member("method", location.method.rawValue)
        key("regions")
        beginArray()
        for region in location.regions {
            beginObject()
            member("x", region.box.x)
            member("y", region.box.y)
            member("width", region.box.width)
            member("height", region.box.height)
            member("share", region.share)
            if let side = region.side { member("side", side.rawValue) }
            if let lengths = region.millimetres {
                key("millimetres")
                value(lengths)
            }
            endObject()
        }
        endArray()
        endObject()
    }

    private mutating func value(_ lengths: FindingRegion.Millimetres) {
        beginObject()
        member("x", lengths.x)
        member("y", lengths.y)
        member("width", lengths.width)
        member("height", lengths.height)
        member("at", lengths.isAtDetector ? "detector" : "patient")
        endObject()
    }
}
