using System.Globalization;
using Lema.Engine.Errors;

namespace Lema.Server.Errors;

/// <summary>What is asked for does not fit on the disk that holds the daemon's data.</summary>
/// <param name="what">Such as "The upload".</param>
/// <param name="promisedBytes">Of the free ones, what other uploads under way will take.</param>
internal sealed class DiskSpaceException(string what, long neededBytes, long freeBytes, long promisedBytes) : LemaException(string.Create(
    CultureInfo.InvariantCulture,
    $"{what} needs {neededBytes:N0} bytes; the disk that holds the daemon's data has {freeBytes:N0} free, of which {promisedBytes:N0} are for other uploads under way. Free space there and try again."));
