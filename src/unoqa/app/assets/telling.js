// Do something that the server may refuse; what it says then stands in a box until the next try.

export async function tell(box, action) {
  box.hidden = true;
  try {
    await action();
  } catch (error) {
    box.textContent = error.message;
    box.hidden = false;
  }
}
