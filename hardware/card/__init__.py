"""The phone's side: secure element, face sensor, arming, and the payment card it shows."""
