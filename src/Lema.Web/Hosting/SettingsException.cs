namespace Lema.Web.Hosting;

/// <summary>A setting that the operator can mend; the message names it, where it stands, and the remedy.</summary>
public sealed class SettingsException(string message, Exception? cause = null) : Exception(message, cause);
