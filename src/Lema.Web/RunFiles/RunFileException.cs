namespace Lema.Web.RunFiles;

/// <summary>A run file that cannot be read; the message names the place and what is wrong there.</summary>
public sealed class RunFileException(string message, Exception? cause = null) : Exception(message, cause);
