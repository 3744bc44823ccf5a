-- internal: building block
-- title: The moment an answer is about
-- param: as_of String = '', a moment in UTC such as 2026-03-04 06:00:00, or a day for its end; empty for now
-- definition: upto is the last instant that counts, today the day to reckon from. A text that
--   is no moment is refused. Where a question asks for one of them, its value is written there.
SELECT
    parseDateTime64BestEffort(multiIf({as_of:String} = '', '2299-12-31 00:00:00', length({as_of:String}) = 10, {as_of:String} || ' 23:59:59.999', {as_of:String}), 3, 'UTC') AS upto,
    toDate32(parseDateTime64BestEffort(multiIf({as_of:String} = '', toString(now64(3, 'UTC')), length({as_of:String}) = 10, {as_of:String} || ' 23:59:59.999', {as_of:String}), 3, 'UTC')) AS today
