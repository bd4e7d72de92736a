"""What can be done on a screen: values and hands. Imports nothing of ours."""
