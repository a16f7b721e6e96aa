namespace Lema.Engine.Datasets.Rows;

/// <summary>The time at which a file was last written: templates that print the date print the same one in every epoch and after every resume.</summary>
internal sealed class FileClock(string file) : TimeProvider
{
    private readonly DateTimeOffset _time = File.GetLastWriteTimeUtc(file);

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => _time;
}
