using System.Globalization;
using Lema.Engine.Errors;

namespace Lema.Server.Errors;

/// <summary>What is asked for does not fit on the disk that holds the daemon's data.</summary>
/// <param name="what">Such as "The upload".</param>
internal sealed class DiskSpaceException(string what, long neededBytes, long freeBytes) : LemaException(string.Create(
    CultureInfo.InvariantCulture, $"{what} needs {neededBytes:N0} bytes; the disk that holds the daemon's data has {freeBytes:N0} free. Free space there and try again."));
